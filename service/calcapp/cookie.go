// SPDX-License-Identifier: Apache-2.0

package calcapp

import "fmt"

// A Cookie is the state of a job, which a pool element gives the user in ASAP_COOKIE and gets back in ASAP_COOKIE_ECHO.
type Cookie struct {
	// JobID is the number that the user has given the job.
	JobID uint32
	// JobSize is how many calculations the job has.
	JobSize uint64
	// Completed is how many of them are done, at most JobSize.
	Completed uint64
}

// AppendBinary appends the 20 bytes of the cookie. It fails if more is done than there is to do.
func (c Cookie) AppendBinary(b []byte) ([]byte, error) {
	if err := c.check(); err != nil {
		return b, err
	}
	return appendJob(b, c.JobID, c.JobSize, c.Completed), nil
}

// ParseCookie returns the cookie in b, which is all of b. It is valid.
func ParseCookie(b []byte) (Cookie, error) {
	if len(b) != jobSize {
		return Cookie{}, fmt.Errorf("calcapp: a cookie of %d bytes, not %d", len(b), jobSize)
	}
	var c Cookie
	c.JobID, c.JobSize, c.Completed = parseJob(b)
	if err := c.check(); err != nil {
		return Cookie{}, err
	}
	return c, nil
}

func (c Cookie) check() error {
	if c.Completed > c.JobSize {
		return fmt.Errorf("calcapp: cookie: %d calculations of %d are completed", c.Completed, c.JobSize)
	}
	return nil
}
