// SPDX-License-Identifier: Apache-2.0

package assoc

// Indexed returns how many entries the stack's indexes hold.
func (s *Stack) Indexed() int { return len(s.byTag) + len(s.byPeer) }
