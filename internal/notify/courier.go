package notify

import (
	"context"
	"errors"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
)

// courier delivers to one webhook, one message at a time, in their order.
type courier struct {
	*term
	target Target
	turn   chan struct{} // one slot: whoever fills it owns what follows

	place    Place
	unkept   bool // the store does not have place yet
	gone     bool // the receiver wants nothing any more
	troubled bool // the store failed last time
}

// rests takes the turn of a courier that is not under way.
func (c *courier) rests() bool {
	select {
	case c.turn <- struct{}{}:
		return true
	default:
		return false
	}
}

// send sets the courier to work if it rests and has something to do. newest is
// the last event there is.
func (c *courier) send(subscriptions Subscriptions, newest int64) {
	if !c.rests() {
		return
	}
	if !c.unkept && !c.due(newest) {
		<-c.turn
		return
	}
	c.working.Go(func() {
		defer func() { <-c.turn }()
		c.work(subscriptions, newest)
	})
}

func (c *courier) due(newest int64) bool {
	return c.place.Event < newest && !time.Now().Before(c.place.NextTry)
}

// work delivers until there is nothing left, or something fails. A place that
// could not be kept is kept before anything else is sent: so a receiver gets no
// more than one message twice.
func (c *courier) work(subscriptions Subscriptions, newest int64) {
	for c.ctx.Err() == nil {
		if c.unkept && !c.keep() || !c.due(newest) {
			return
		}
		batch, err := c.next(subscriptions)
		if err != nil {
			c.trouble(err)
			return
		}
		if len(batch.events) == 0 {
			c.pass(batch.upTo)
			continue
		}
		c.attempt(newMessage(subscriptions, batch.events, c.LinkURL), batch.upTo)
	}
}

// attempt delivers one message, and notes in the courier's place what came of it.
func (c *courier) attempt(m message, upTo int64) {
	if c.gone {
		c.pass(upTo)
		return
	}
	_, err := c.post(c.ctx, c.target, m)
	switch {
	case c.ctx.Err() != nil:
		return // nobody knows whether it arrived: it is sent again
	case err == nil:
		c.arrived(upTo)
	case isGone(err):
		c.gone = true
		c.giveUp(upTo, err)
	default:
		c.failed(upTo, err)
	}
}

// pass goes on in the history without telling anybody.
func (c *courier) pass(upTo int64) {
	c.place.Event, c.place.Failures, c.place.NextTry = upTo, 0, time.Time{}
	c.unkept = true
}

func (c *courier) arrived(upTo int64) {
	if c.place.Failures > 0 {
		c.Logger.Info("the webhook takes messages again", "webhook", c.place.Webhook, "failures", c.place.Failures)
	}
	c.pass(upTo)
	c.place.LastError, c.place.Delivered = "", time.Now()
	c.count(Delivered)
}

func (c *courier) failed(upTo int64, err error) {
	c.place.Failures++
	wait, again := delay(c.place.Failures, retryAfter(err))
	if !again {
		c.giveUp(upTo, err)
		return
	}
	c.place.NextTry, c.place.LastError = time.Now().Add(wait), err.Error()
	c.unkept = true
	c.Logger.Warn("a webhook was not told: it is tried again", "webhook", c.place.Webhook,
		"error", err, "failures", c.place.Failures, "next_try", c.place.NextTry.UTC())
	c.count(Failed)
}

func (c *courier) giveUp(upTo int64, err error) {
	c.Logger.Error("a webhook is not told what happened: the history has it", "webhook", c.place.Webhook,
		"error", err, "failures", c.place.Failures, "up_to_event", upTo)
	c.pass(upTo)
	c.place.LastError = "given up: " + err.Error()
	c.count(GivenUp)
}

func (c *courier) count(result Result) {
	if c.Count != nil {
		c.Count(c.place.Webhook, result)
	}
}

// keep writes the courier's place. It returns false when the store did not take it.
func (c *courier) keep() bool {
	ctx, cancel := context.WithTimeout(c.ctx, storeFor)
	defer cancel()
	err := c.Places.KeepPlace(ctx, c.fence, c.place)
	if errors.Is(err, rollout.ErrFenced) {
		c.cancel() // this router is not the one any more
		return false
	}
	if err != nil {
		c.trouble(err)
		return false
	}
	c.unkept, c.troubled = false, false
	return true
}

// trouble logs the first of several errors of the store in a row.
func (c *courier) trouble(err error) {
	if !c.troubled && c.ctx.Err() == nil {
		c.Logger.Warn("how far a webhook has come cannot be read or kept: it is told later, and perhaps one thing twice",
			"webhook", c.place.Webhook, "error", err)
	}
	c.troubled = true
}
