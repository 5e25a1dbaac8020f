package sequential

// ceiling is a process that weighs how often something happens against a rate that
// it should not exceed. ρ is the ratio of the rates:
//
//	ρˢ / exp(rate·n·(ρ−1))  for s successes in n trials
//
// which is Poisson's. For trials that succeed or not it is below what would be exact.
//
// A trial may succeed later than it begins, until its minute is over, so that it is
// not plain how many of them belong to a batch; see open. Copies that saw the minute begin may
// settle that over the whole of it. Younger ones, who did not see what began before them,
// settle it batch by batch, which is dearer, and have sums of their own until the minute is over.
type ceiling struct {
	process

	young sums
	paid  float64 // trials of this minute that the older copies have paid for
}

// exceed adds a batch of trials with successes. A rate that is no share says nothing.
func (c *ceiling) exceed(successes, trials uint64, now *open, rate float64) {
	if !inside(rate) || now.batch == 0 && successes == 0 {
		return
	}
	if c.started == 0 {
		c.sums, c.young = noCopies(), noCopies()
	}
	if weight, starts := c.starts(trials); starts {
		c.young.start(weight)
	}
	due := now.minute()
	c.sums.multiply(successes, func(ratio float64) float64 { return rate * (due - c.paid) * (ratio - 1) })
	c.young.multiply(successes, func(ratio float64) float64 { return rate * now.batch * (ratio - 1) })
	c.paid = due
}

// turn begins another minute.
func (c *ceiling) turn() {
	if c.started > 0 {
		c.sums.join(&c.young)
		c.young = noCopies()
	}
	c.paid = 0
}

// log is that of the process with its young copies.
func (c *ceiling) log() float64 {
	if c.started == 0 {
		return 0
	}
	return c.young.addTo(c.process.log())
}

// open is how many trials could have succeeded by now. Who comes once a minute
// fails at once if at all, so that all that has begun counts. Who comes all the time fails at
// any time, so that of each minute only the part counts that has passed since it
// began. Nobody knows who comes how; so it is the larger of the two.
type open struct {
	number int64   // of the minute, since 1970
	begun  float64 // trials that began in it
	passed float64 // of them, the parts that have passed
	batch  float64 // of the latest batch: the larger of what began in it and of what passed in it
}

// add takes a batch into account that is a part of a minute long.
func (o *open) add(trials uint64, part float64) {
	o.begun += float64(trials)
	o.passed += o.begun * part
	o.batch = max(float64(trials), o.begun*part)
}

func (o *open) minute() float64 { return max(o.begun, o.passed) }
