package shadow

import "sync"

// crew does jobs with at most so many goroutines, which come with the work and
// leave when there is none. Giving it a job never waits.
type crew[T any] struct {
	do func(T)

	mu      sync.Mutex // owns the rest
	waiting []T
	next    int // index of the first in waiting
	room    int // jobs that may wait
	atOnce  int // goroutines
	running int
	stopped bool
	idle    *sync.Cond // running has become 0
}

func newCrew[T any](atOnce, room int, do func(T)) *crew[T] {
	c := &crew[T]{do: do, atOnce: atOnce, room: room}
	c.idle = sync.NewCond(&c.mu)
	return c
}

// offer hands a job over; false: there are too many already.
func (c *crew[T]) offer(job T) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.stopped:
		return false
	case c.running < c.atOnce:
		c.running++
		go c.work(job)
		return true
	case c.length() >= c.room:
		return false
	}
	c.waiting = append(c.waiting, job)
	return true
}

// full reports whether a job would be refused now.
func (c *crew[T]) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopped || (c.running >= c.atOnce && c.length() >= c.room)
}

// length is how many jobs wait. It needs mu.
func (c *crew[T]) length() int { return len(c.waiting) - c.next }

// load returns how many jobs are done now, and how many wait.
func (c *crew[T]) load() (running, waiting int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running, c.length()
}

// resize changes the limits for the jobs to come.
func (c *crew[T]) resize(atOnce, room int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.atOnce, c.room = atOnce, room
}

// work does one job, and those that wait.
func (c *crew[T]) work(job T) {
	for more := true; more; job, more = c.take() {
		c.do(job)
	}
}

// take returns the job that has waited longest; false: this goroutine ends.
func (c *crew[T]) take() (job T, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.length() == 0 || c.running > c.atOnce {
		c.running--
		if c.running == 0 {
			c.idle.Broadcast()
		}
		return job, false
	}
	job = c.waiting[c.next]
	var none T
	c.waiting[c.next] = none
	c.next++
	if c.next == len(c.waiting) || c.next >= 64 && 2*c.next > len(c.waiting) {
		c.waiting = append(c.waiting[:0], c.waiting[c.next:]...)
		c.next = 0
	}
	return job, true
}

// stop takes no more jobs, returns those that waited, and waits for the others.
func (c *crew[T]) stop() []T {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	left := c.waiting[c.next:]
	c.waiting, c.next = nil, 0
	for c.running > 0 {
		c.idle.Wait()
	}
	return left
}
