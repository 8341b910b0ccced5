// SPDX-License-Identifier: Apache-2.0

package service

import (
	"slices"
	"sync"

	"github.com/rserpool/rserpool/service/scripting"
)

// environments keeps those of scripts that were used last.
type environments struct {
	maxSize    int64
	maxEntries int

	mu   sync.Mutex
	size int64
	kept []environment // the one used last is the last
}

type environment struct {
	hash scripting.Hash
	data []byte
}

func newEnvironments(maxSize int64, maxEntries int) *environments {
	return &environments{maxSize: maxSize, maxEntries: maxEntries}
}

// get returns an environment, which is not to be changed.
func (c *environments) get(h scripting.Hash) (data []byte, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.kept, func(e environment) bool { return e.hash == h })
	if i < 0 {
		return nil, false
	}
	e := c.kept[i]
	c.kept = append(slices.Delete(c.kept, i, i+1), e)
	return e.data, true
}

// fits reports whether one of a size could be kept.
func (c *environments) fits(size int64) bool { return c.maxEntries > 0 && size <= c.maxSize }

// put keeps one, and forgets others for it.
func (c *environments) put(h scripting.Hash, data []byte) {
	if _, ok := c.get(h); ok || !c.fits(int64(len(data))) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, environment{h, data})
	c.size += int64(len(data))
	n := 0
	for c.size > c.maxSize || len(c.kept)-n > c.maxEntries {
		c.size -= int64(len(c.kept[n].data))
		n++
	}
	c.kept = slices.Delete(c.kept, 0, n)
}
