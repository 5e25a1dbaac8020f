package api

import (
	"testing"
	"time"
)

// Half a day is more than a test of the whole can wait for.
func TestASessionLastsTwelveHours(t *testing.T) {
	var s sessions
	now := time.Now()
	value, begun := s.begin([32]byte{1}, time.Time{}, now)
	if s.find(value, now.Add(12*time.Hour-time.Second)) != begun || s.find(value, now.Add(12*time.Hour)) != nil {
		t.Errorf("it expires at %s, want 12 hours after %s", begun.expires, now)
	}
	if _, later := s.begin([32]byte{2}, now.Add(24*time.Hour), now); !later.expires.Equal(now.Add(12 * time.Hour)) {
		t.Errorf("of a token that lasts longer: %s", later.expires)
	}
	if _, sooner := s.begin([32]byte{3}, now.Add(time.Hour), now); !sooner.expires.Equal(now.Add(time.Hour)) {
		t.Errorf("of a token that expires sooner: %s", sooner.expires)
	}
}

func TestARouterKeepsAThousandSessions(t *testing.T) {
	var s sessions
	now := time.Now()
	first, oldest := s.begin([32]byte{}, time.Time{}, now)
	var last string
	for i := range sessionsInAll {
		last, _ = s.begin([32]byte{1, byte(i), byte(i >> 8)}, time.Time{}, now)
	}
	if s.find(first, now) != nil || s.find(last, now) == nil || len(s.list) != sessionsInAll {
		t.Errorf("there are %d sessions", len(s.list))
	}
	select {
	case <-oldest.over:
	default:
		t.Error("the oldest one was not told that it is over")
	}
	if s.begin([32]byte{9}, time.Time{}, now.Add(13*time.Hour)); len(s.list) != 1 {
		t.Errorf("%d are kept of which all but one are over", len(s.list))
	}
}
