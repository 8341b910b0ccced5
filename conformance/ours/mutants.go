// SPDX-License-Identifier: Apache-2.0

package ours

import "slices"

// Mutants are the deliberately broken behaviours, and the cases that must catch each.
func Mutants() []Mutant {
	return slices.Concat(
		packetMutants,
		setupMutants,
		handshakeMutants,
		chunkMutants,
		dataMutants,
		transferMutants,
		pathMutants,
		endMutants,
		closeMutants,
		extensionMutants,
		addIPMutants,
		authMutants,
		encapMutants,
		streamMutants,
		reconfigMutants,
		interleaveMutants,
		failoverMutants,
		serviceMutants,
		peerMutants,
		formatMutants,
		asapMutants,
		enrpMutants,
		openingMutants,
		timerMutants,
		keyMutants,
		addressMutants,
		partialMutants,
		causeMutants,
		restartMutants,
	)
}
