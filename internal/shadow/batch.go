package shadow

import (
	"cmp"
	"slices"
	"strings"
)

// isEmpty reports whether there is nothing to write.
func (b *Batch) isEmpty() bool { return len(b.Epochs) == 0 && len(b.Tallies) == 0 }

// sort brings a batch into an order that depends on what is in it alone.
func (b *Batch) sort() {
	slices.SortFunc(b.Epochs, func(x, y Epoch) int {
		return cmp.Or(strings.Compare(x.Route, y.Route), strings.Compare(x.ID, y.ID))
	})
	slices.SortFunc(b.Tallies, func(x, y Tally) int {
		return cmp.Or(strings.Compare(x.Route, y.Route), strings.Compare(x.Epoch, y.Epoch), strings.Compare(x.Result, y.Result))
	})
	slices.SortFunc(b.Sightings, func(x, y Sighting) int {
		return cmp.Or(strings.Compare(x.Route, y.Route), strings.Compare(x.Epoch, y.Epoch), strings.Compare(x.Signature.ID, y.Signature.ID))
	})
	slices.SortFunc(b.Sets, func(x, y Set) int {
		return cmp.Or(strings.Compare(x.Route, y.Route), strings.Compare(x.Epoch, y.Epoch), strings.Compare(x.ID, y.ID))
	})
	slices.SortFunc(b.Exemplars, func(x, y Exemplar) int {
		return cmp.Or(strings.Compare(x.Route, y.Route), x.At.Compare(y.At), strings.Compare(x.ID, y.ID))
	})
}

// Return takes back what could not be written, as if it had been learned since.
// For as long as the store is away names come and go, so what there is no room
// for counts as Overflow here too.
func (c *Collector) Return(batch Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, epoch := range batch.Epochs {
		p := c.page(c.trail(epoch.Route), epoch)
		p.hear(epoch.Began)
		p.hear(epoch.Last)
	}
	for i := range batch.Sightings {
		s := &batch.Sightings[i]
		if p := c.trail(s.Route).pages[s.Epoch]; p != nil && (p.sightings[s.Signature.ID] != nil || len(p.sightings) < MaxSignatures) {
			p.addSighting(s)
		}
	}
	for _, s := range batch.Sets {
		if p := c.trail(s.Route).pages[s.Epoch]; p != nil && len(p.sets) < MaxSets {
			p.sets[s.ID] = s
		}
	}
	for _, t := range batch.Tallies {
		c.returnTally(t)
	}
	for _, e := range batch.Exemplars {
		if p := c.trail(e.Route).pages[e.Epoch]; p != nil {
			p.shelf.put(e)
		}
	}
}

func (c *Collector) returnTally(t Tally) {
	trail := c.trail(t.Route)
	if reason, skipped := strings.CutPrefix(t.Result, PrefixSkipped); skipped {
		trail.skipped[reason] += t.N
	} else if p := trail.pages[t.Epoch]; p != nil {
		p.returnTally(t)
	}
}

// returnTally counts what was counted before. The sets and signatures with room
// are back already.
func (p *page) returnTally(t Tally) {
	if id, is := strings.CutPrefix(t.Result, PrefixSignature); is && p.sightings[id] == nil {
		return
	}
	if id, is := strings.CutPrefix(t.Result, PrefixSet); is {
		if _, room := p.sets[id]; !room {
			t.Result = ResultOverflow
		}
	}
	p.tallies[t.Result] += t.N
}
