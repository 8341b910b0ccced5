// SPDX-License-Identifier: Apache-2.0

package calcapp

import "time"

// Durations are those of one thing for a number of jobs.
type Durations struct {
	// N is how many jobs there were, Total and Longest are of all of them.
	N              int
	Total, Longest time.Duration
}

// Mean returns the mean, 0 of no jobs.
func (d Durations) Mean() time.Duration {
	if d.N == 0 {
		return 0
	}
	return d.Total / time.Duration(d.N)
}

func (d *Durations) add(t time.Duration) {
	d.N++
	d.Total += t
	d.Longest = max(d.Longest, t)
}

// Statistics are about jobs that are complete, as RSPLIB has them.
type Statistics struct {
	// Calculations is how many they had.
	Calculations float64
	// Queuing is how long jobs waited before they were requested, Startup and Processing are those of Times, and Handling is
	// all of it.
	Queuing, Startup, Processing, Handling Durations
}

// Add counts a job that was there to be done since a time.
func (s *Statistics) Add(queued time.Time, size uint64, t Times) {
	s.Calculations += float64(size)
	s.Queuing.add(t.Requested.Sub(queued))
	s.Startup.add(t.Startup())
	s.Processing.add(t.Processing())
	s.Handling.add(t.Completed.Sub(queued))
}

// Speed returns how many calculations were done in a second of a time, 0 if that is none.
func (s *Statistics) Speed(d Durations) float64 {
	if d.Total <= 0 {
		return 0
	}
	return s.Calculations / d.Total.Seconds()
}
