package guard_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/guard"
)

// model is the breaker once more, as slow and plain as it can be said: it
// remembers every result and adds them up each time.
type model struct {
	policy           guard.BreakerPolicy
	state            guard.State
	era              int // of tickets; a new lease begins another
	since, until     time.Time
	openings, inARow int
	results          []result
}

type result struct {
	tick                    int64
	counts, failed, slowish int
}

func (m *model) tick(now time.Time) int64 { return int64(now.Sub(m.since) / (m.policy.Window / 10)) }

func (m *model) tally(now time.Time) guard.Tally {
	sum := guard.Tally{InARow: m.inARow}
	for _, r := range m.results {
		if r.tick > m.tick(now)-10 {
			sum.Total, sum.Failures, sum.Slow = sum.Total+r.counts, sum.Failures+r.failed, sum.Slow+r.slowish
		}
	}
	return sum
}

func (m *model) enter(state guard.State, now time.Time) {
	m.state, m.since, m.until, m.results, m.inARow = state, now, time.Time{}, nil, 0
	m.era++
}

func (m *model) allow(now time.Time) bool {
	if m.state == guard.Closed {
		return true
	}
	if now.Before(m.until) {
		return false
	}
	since := m.since
	if m.state == guard.Open {
		since = now
	}
	m.enter(guard.HalfOpen, since)
	m.until = now.Add(m.policy.Trial + time.Second)
	return true
}

func (m *model) open(now time.Time) {
	if m.state == guard.Closed && now.Sub(m.since) >= m.policy.Quiet {
		m.openings = 0
	}
	length := min(m.policy.OpenFor<<m.openings, m.policy.OpenMax)
	m.openings++
	m.enter(guard.Open, now)
	m.until = now.Add(length)
}

func (m *model) report(era int, class guard.Class, took time.Duration, now time.Time) {
	slow := took >= m.policy.SlowCall
	about := class != guard.ClientGone && class != guard.ClientFault
	switch {
	case era != m.era, m.state == guard.HalfOpen && !now.Before(m.until):
	case m.state == guard.HalfOpen && !about:
		m.era++
		m.until = time.Time{}
	case m.state == guard.HalfOpen && (slow || class.BackendFault()):
		m.open(now)
	case m.state == guard.HalfOpen:
		m.enter(guard.Closed, now)
	case about:
		m.count(class, slow, now)
	}
}

func (m *model) count(class guard.Class, slow bool, now time.Time) {
	r := result{tick: m.tick(now), counts: 1}
	if class.BackendFault() {
		r.failed = 1
	}
	if slow {
		r.slowish = 1
	}
	m.results = append(m.results, r)
	m.inARow++
	if class != guard.NotSent {
		m.inARow = 0
	}
	if r.failed+r.slowish > 0 {
		m.weigh(now)
	}
}

func (m *model) broke(era int, now time.Time) {
	if era == m.era && m.state == guard.Closed {
		m.results = append(m.results, result{tick: m.tick(now), failed: 1})
		m.weigh(now)
	}
}

func (m *model) weigh(now time.Time) {
	sum := m.tally(now)
	n := max(sum.Total, sum.Failures)
	if sum.InARow >= m.policy.InARow || n >= m.policy.MinResults && (2*sum.Failures >= n || 2*sum.Slow >= n) {
		m.open(now)
	}
}

func TestBreakerKeepsToItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := guard.NewSideBreaker()
		policy.MinResults, policy.SlowCall = 6, time.Second
		now := epoch
		breaker := guard.NewBreaker(policy, half, now, nil)
		m := &model{policy: policy, since: now}
		type sent struct {
			guard.Ticket
			era int
		}
		var tickets []sent
		latest := func(t *rapid.T) sent {
			if len(tickets) == 0 {
				t.Skip("nothing was let through")
			}
			return tickets[len(tickets)-1-rapid.IntRange(0, min(len(tickets)-1, 3)).Draw(t, "ticket")]
		}
		allow := func(t *rapid.T) {
			want := m.allow(now)
			ticket, got := breaker.Allow(now)
			if got != want {
				t.Fatalf("allows %t, want %t: %+v", got, want, breaker.State(now))
			}
			if got {
				tickets = append(tickets, sent{ticket, m.era})
			}
		}
		report := func(t *rapid.T) {
			s := latest(t)
			class := guard.Class(rapid.IntRange(int(guard.OK), int(guard.ClientGone)).Draw(t, "class"))
			took := rapid.SampledFrom([]time.Duration{0, 0, time.Second - 1, time.Second}).Draw(t, "took")
			m.report(s.era, class, took, now)
			s.Report(class, took, now)
		}
		t.Repeat(map[string]func(*rapid.T){
			"allow": allow, "allow again": allow, "report": report, "report again": report,
			"fail": func(t *rapid.T) {
				s := latest(t)
				m.report(s.era, guard.NotSent, 0, now)
				s.Report(guard.NotSent, 0, now)
			},
			"broke": func(t *rapid.T) { s := latest(t); m.broke(s.era, now); s.Broke(now) },
			"reset": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") == 0 {
					m.enter(guard.Closed, now)
					m.openings = 0
					breaker.Reset(now)
				}
			},
			"pass": func(t *rapid.T) {
				step := rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, 5 * time.Second, 16 * time.Second, time.Minute}).Draw(t, "step")
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(step)).Draw(t, "by")))
			},
			"": func(t *rapid.T) {
				got := breaker.State(now)
				if m.state == guard.Open && !now.Before(m.until) {
					if got.State != guard.HalfOpen || !got.Since.Equal(m.until) {
						t.Fatalf("got %+v, want a trial due", got)
					}
					return
				}
				if got.State != m.state || !got.Since.Equal(m.since) || !got.Until.Equal(m.until) {
					t.Fatalf("got %+v, want %s from %s until %s", got, m.state, m.since, m.until)
				}
				if want := m.tally(now); m.state == guard.Closed && got.Tally != want {
					t.Fatalf("got %+v, want %+v", got.Tally, want)
				}
			},
		})
	})
}

// TestBreakerAgreesWithGobreaker holds both to each other where they mean the
// same: failures in a row or their share opens, five seconds later one trial
// decides, and results of an older generation are ignored. What differs is kept
// away: the window never slides out, the open time never doubles, no lease ends.
func TestBreakerAgreesWithGobreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, agree) // the bubble has no deadline to ask for
	})
}

var errFailed = errors.New("failed")

func agree(t *rapid.T) {
	policy := guard.NewSideBreaker()
	policy.Window, policy.Trial = 1000*time.Hour, 1000*time.Hour
	policy.OpenMax, policy.MinResults = policy.OpenFor, 8
	ours := guard.NewBreaker(policy, half, time.Now(), nil)
	theirs := gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		MaxRequests: 1, Timeout: policy.OpenFor,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			results := c.TotalSuccesses + c.TotalFailures
			return int(c.ConsecutiveFailures) >= policy.InARow || results >= 8 && 2*c.TotalFailures >= results
		},
	})
	type pending struct {
		ticket guard.Ticket
		done   func(error)
	}
	var open []pending
	allow := func(t *rapid.T) {
		done, err := theirs.Allow()
		ticket, got := ours.Allow(time.Now())
		if got != (err == nil) {
			t.Fatalf("ours allows %t, theirs says %v", got, err)
		}
		if got {
			open = append(open, pending{ticket, done})
		}
	}
	report := func(class guard.Class, err error) func(*rapid.T) {
		return func(t *rapid.T) {
			if len(open) == 0 {
				t.Skip("nothing was let through")
			}
			i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
			p := open[i]
			open = append(open[:i], open[i+1:]...)
			p.done(err)
			p.ticket.Report(class, 0, time.Now())
		}
	}
	states := map[gobreaker.State]guard.State{
		gobreaker.StateClosed: guard.Closed, gobreaker.StateOpen: guard.Open, gobreaker.StateHalfOpen: guard.HalfOpen,
	}
	t.Repeat(map[string]func(*rapid.T){
		"allow": allow, "allow again": allow,
		"succeed": report(guard.OK, nil), "fail": report(guard.NotSent, errFailed), "fail again": report(guard.NotSent, errFailed),
		// gobreaker tries again only after its time, not at it: stay off the exact moment.
		"pass": func(t *rapid.T) {
			time.Sleep(time.Duration(rapid.IntRange(0, 6000).Draw(t, "ms"))*time.Millisecond + time.Microsecond)
		},
		"": func(t *rapid.T) {
			if got, want := ours.State(time.Now()).State, states[theirs.State()]; got != want {
				t.Fatalf("ours is %s, theirs %s", got, theirs.State())
			}
		},
	})
}
