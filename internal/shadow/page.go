package shadow

import (
	"time"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// page is what was learned of one epoch since the last Drain, and what there is
// room for. It is owned by the collector's lock.
type page struct {
	epoch     Epoch // Last is zero when nothing was heard since the last Drain
	heard     time.Time
	tallies   map[string]uint64 // by result
	sightings map[string]*Sighting
	sets      map[string]Set
	shelf     shelf

	signatureRoom, setRoom roster
}

func newPage(epoch Epoch, pending *int64) *page {
	p := &page{
		epoch:         epoch,
		shelf:         shelf{pending: pending},
		signatureRoom: newRoster(MaxSignatures),
		setRoom:       newRoster(MaxSets),
	}
	p.empty()
	return p
}

func (p *page) empty() {
	p.epoch.Last = time.Time{}
	p.tallies = make(map[string]uint64)
	p.sightings = make(map[string]*Sighting)
	p.sets = make(map[string]Set)
}

// hear notes that the epoch was heard of.
func (p *page) hear(at time.Time) {
	if at.After(p.epoch.Last) {
		p.epoch.Last = at
	}
	if at.After(p.heard) {
		p.heard = at
	}
	if at.Before(p.epoch.Began) {
		p.epoch.Began = at
	}
}

// count adds a comparison, and returns the ids of the signatures by which it
// differs and for which there is room, sorted.
func (p *page) count(c *Comparison, seen []glimpse) []string {
	p.hear(c.At)
	for id, n := range c.Result.Hits {
		p.tallies[PrefixRule+id] += n
	}
	members, room := p.sight(seen, c.At)
	switch {
	case c.Result.Outcome == compare.Match:
		p.tallies[ResultMatch]++
	case room && len(members) > 0 && !c.Result.Lost:
		p.countSet(members, c.At)
	default:
		p.tallies[ResultOverflow]++
	}
	return members
}

// sight adds what a comparison says about each signature. Without room for all
// by which it differs, room is false.
func (p *page) sight(seen []glimpse, at time.Time) (members []string, room bool) {
	room = true
	for i := range seen {
		g := &seen[i]
		if !p.signatureRoom.admit(g.ID, at) {
			room = room && !g.occurred
			continue
		}
		if g.occurred {
			members = append(members, g.ID)
			p.tallies[PrefixSignature+g.ID]++
		}
		p.addSighting(&Sighting{
			Route: p.epoch.Route, Epoch: p.epoch.ID, Signature: g.Signature, First: at, Last: at,
			Pairs: g.pairs, Confirmed: g.confirmed, Transient: g.transient,
		})
	}
	return members, room
}

func (p *page) addSighting(more *Sighting) {
	sum := p.sightings[more.Signature.ID]
	if sum == nil {
		p.sightings[more.Signature.ID] = more
		return
	}
	sum.Pairs.Both += more.Pairs.Both
	sum.Pairs.New += more.Pairs.New
	sum.Pairs.Legacy += more.Pairs.Legacy
	sum.Confirmed += more.Confirmed
	sum.Transient += more.Transient
	if more.First.Before(sum.First) {
		sum.First = more.First
	}
	if more.Last.After(sum.Last) {
		sum.Last = more.Last
	}
}

func (p *page) countSet(members []string, at time.Time) {
	set := setOf(p.epoch.Route, p.epoch.ID, members)
	if !p.setRoom.admit(set.ID, at) {
		p.tallies[ResultOverflow]++
		return
	}
	p.tallies[PrefixSet+set.ID]++
	p.sets[set.ID] = set
}

// drain moves all that was learned to the batch.
func (p *page) drain(to *Batch) {
	if p.epoch.Last.IsZero() {
		return
	}
	to.Epochs = append(to.Epochs, p.epoch)
	for result, n := range p.tallies {
		to.Tallies = append(to.Tallies, Tally{Route: p.epoch.Route, Epoch: p.epoch.ID, Result: result, N: n})
	}
	for _, s := range p.sightings {
		to.Sightings = append(to.Sightings, *s)
	}
	for _, s := range p.sets {
		to.Sets = append(to.Sets, s)
	}
	to.Exemplars = p.shelf.drain(to.Exemplars)
	p.empty()
}
