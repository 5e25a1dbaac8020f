package shadow

// firstRoom is what a copy begins with where the length is not known.
const firstRoom = 4 << 10

// Copy is a body as it passes by, for as long as it is small enough and there
// is room for it. One goroutine at a time may use it.
type Copy struct {
	budget *Budget
	limit  int64
	bytes  []byte
	held   int64 // of the budget, for bytes
	beside int64 // of the budget, for what is kept beside it
	reason Reason
	failed bool // reason says why the copy was given up
}

// newCopy returns an empty copy of at most limit bytes.
func newCopy(budget *Budget, limit int64) Copy { return Copy{budget: budget, limit: limit} }

// Expect makes room for n bytes at once, so that the copy does not grow by steps.
// A length that is not known is negative.
func (c *Copy) Expect(n int64) {
	switch {
	case n > c.limit:
		c.fail(ReasonTooLarge)
	case n > 0:
		c.grow(n)
	}
}

// Write keeps p. It never fails and never waits: what cannot be kept ends the copy.
func (c *Copy) Write(p []byte) (int, error) {
	if c.failed {
		return len(p), nil
	}
	size := int64(len(c.bytes) + len(p))
	if size > c.limit {
		c.fail(ReasonTooLarge)
		return len(p), nil
	}
	if size > int64(cap(c.bytes)) {
		c.grow(min(max(size, 2*int64(cap(c.bytes)), firstRoom), c.limit))
	}
	if !c.failed {
		c.bytes = append(c.bytes, p...)
	}
	return len(p), nil
}

// grow moves the copy to a larger room. Both are there for a moment, and so both
// are paid for.
func (c *Copy) grow(size int64) {
	if c.failed || size <= int64(cap(c.bytes)) {
		return
	}
	if !c.budget.take(size) {
		c.fail(ReasonMemory)
		return
	}
	room := make([]byte, len(c.bytes), size)
	copy(room, c.bytes)
	c.budget.give(c.held)
	c.bytes, c.held = room, size
}

// reserve takes room for n bytes that are kept beside the copy for as long as it.
func (c *Copy) reserve(n int64) {
	switch {
	case c.failed:
	case c.budget.take(n):
		c.beside += n
	default:
		c.fail(ReasonMemory)
	}
}

// Failed returns why the copy was given up.
func (c *Copy) Failed() (Reason, bool) { return c.reason, c.failed }

// fail gives the copy up, and its room back at once.
func (c *Copy) fail(reason Reason) {
	c.release()
	c.reason, c.failed = reason, true
}

// release gives the room back. Nobody may read the copy any more.
func (c *Copy) release() {
	if room := c.held + c.beside; room > 0 {
		c.budget.give(room)
	}
	c.bytes, c.held, c.beside = nil, 0, 0
}
