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
func (c *Collector) Return(batch Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, epoch := range batch.Epochs {
		p := c.page(c.trail(epoch.Route), epoch)
		p.hear(epoch.Began)
		p.hear(epoch.Last)
	}
	for _, t := range batch.Tallies {
		c.returnTally(t)
	}
	for i := range batch.Sightings {
		s := &batch.Sightings[i]
		if p := c.trail(s.Route).pages[s.Epoch]; p != nil {
			p.addSighting(s)
		}
	}
	for _, s := range batch.Sets {
		if p := c.trail(s.Route).pages[s.Epoch]; p != nil {
			p.sets[s.ID] = s
		}
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
		p.tallies[t.Result] += t.N
	}
}
