package auth

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// What bounds the tally, so that somebody who guesses from everywhere can fill
// neither memory nor the history.
const (
	// deniedEvery is how often one source is told of.
	deniedEvery = time.Minute
	// sources is how many are told apart at a time; what is beyond is OtherSources.
	sources = 16
)

// OtherSources stands for the sources that are not told apart.
const OtherSources = "others"

// Denied is what the log-ins of one source amounted to that were denied.
type Denied struct {
	Source      string // an IPv4 address, the /64 network of an IPv6 one, or OtherSources
	Token       string // name of a token that is in force no more; empty for what was never one
	Why         string // of the newest of them
	Count       int
	First, Last time.Time
}

// tally adds denied log-ins up by source and token.
type tally struct {
	mu  sync.Mutex
	sum map[deniedKey]*deniedSum // guarded by mu
}

type deniedKey struct{ source, token string }

type deniedSum struct {
	Denied
	due time.Time // not told of again before that
}

func newTally() *tally {
	return &tally{sum: make(map[deniedKey]*deniedSum)}
}

func (t *tally) add(token, why, from string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := deniedKey{sourceOf(from), token}
	if t.sum[key] == nil && len(t.sum) >= sources {
		key = deniedKey{source: OtherSources}
	}
	s := t.sum[key]
	if s == nil {
		s = &deniedSum{Denied: Denied{Source: key.source, Token: key.token}}
		t.sum[key] = s
	}
	if s.Count == 0 {
		s.First = now
	}
	s.Why, s.Last, s.Count = why, now, s.Count+1
}

// take returns the sums that are due, in the order of their sources, and begins
// them anew.
func (t *tally) take(now time.Time, all bool) []Denied {
	t.mu.Lock()
	defer t.mu.Unlock()
	var due []Denied
	for key, s := range t.sum {
		switch {
		case now.Before(s.due) && !all:
		case s.Count == 0:
			delete(t.sum, key) // silent for as long as it would have had to wait
		default:
			due = append(due, s.Denied)
			s.Count, s.due = 0, now.Add(deniedEvery)
		}
	}
	slices.SortFunc(due, func(a, b Denied) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Token, b.Token))
	})
	return due
}

// sourceOf is where a connection came from, without its port. Who has one
// address of an IPv6 network has all of its /64.
func sourceOf(from string) string {
	peer, err := netip.ParseAddrPort(from)
	if err != nil {
		return "unknown"
	}
	address := peer.Addr().Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	network, _ := address.Prefix(64) // never fails for an IPv6 address
	return network.String()
}
