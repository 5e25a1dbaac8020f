package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// So many users come while the new shop is down, at this pace: legacy's budget
// for fallbacks has room for them and the other visitors.
const (
	outageUsers = 30
	outagePace  = 40 * time.Millisecond
)

// recovering is how long a breaker may take to close again. It asks 5 s after
// it has opened, ± 20 %, and the second time after twice as long.
const recovering = 30 * time.Second

// The router's metrics that the script reads.
const (
	metricBreaker   = `strangler_breaker_state{route="` + routeOrder + `",side="new"}`
	metricFallbacks = `strangler_fallbacks_total{cause="`
	breakerClosed   = 0
	breakerOpen     = 2
)

// breakDown has the new shop crash while it serves half of the users.
func (s *script) breakDown(ctx context.Context) (found string, err error) {
	if err := s.admin.switchAutopilot(ctx, routeOrder, "disarmed"); err != nil {
		return "", err
	}
	earlier, err := s.admin.metrics(ctx)
	if err != nil {
		return "", err
	}
	before := s.traffic.Tally()
	s.place.Outage.Begin()
	sides, err := s.crowd.stroll(ctx, outagePace)
	if err != nil {
		return "", err
	}
	if n := onNew(sides); n > 0 {
		return "", fmt.Errorf("%d users were served by the new shop, which is down", n)
	}
	metrics, err := s.admin.metrics(ctx)
	if err != nil {
		return "", err
	}
	if state, known := metrics[metricBreaker]; !known || state != breakerOpen {
		return "", fmt.Errorf("%s is %v (known: %v), want %d", metricBreaker, state, known, breakerOpen)
	}
	seen := s.traffic.Tally().Since(before)
	if seen.ClientErrors > 0 {
		return "", fmt.Errorf("client errors: %d of %d requests, the last: %s", seen.ClientErrors, seen.Requests, seen.LastError)
	}
	return fmt.Sprintf("breaker open, %.0f requests fell back to legacy, client errors: 0 of %d requests",
		fallbacks(metrics)-fallbacks(earlier), seen.Requests+len(sides)), nil
}

// fallbacks is how many requests for an order have fallen back so far.
func fallbacks(metrics map[string]float64) float64 {
	sum := 0.0
	for name, value := range metrics {
		if strings.HasPrefix(name, metricFallbacks) && strings.Contains(name, `route="`+routeOrder+`"`) {
			sum += value
		}
	}
	return sum
}

// heal brings the new shop back. The visitors' requests are the trials that
// close the breaker.
func (s *script) heal(ctx context.Context) (found string, err error) {
	if err := s.place.Outage.End(ctx); err != nil {
		return "", err
	}
	began := time.Now()
	if err := s.closed(ctx); err != nil {
		return "", err
	}
	took := time.Since(began)
	sides, err := s.crowd.stroll(ctx, 0)
	if err != nil {
		return "", err
	}
	if !slices.Equal(sides, s.promoted[:len(sides)]) {
		return "", fmt.Errorf("users are not on their sides again: %s, before %s", share(sides), share(s.promoted[:len(sides)]))
	}
	return fmt.Sprintf("breaker closed after %.1f s, %s, as before", took.Seconds(), share(sides)), nil
}

// closed waits until the breaker is closed.
func (s *script) closed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, recovering)
	defer cancel()
	for {
		metrics, err := s.admin.metrics(ctx)
		if err != nil {
			return err
		}
		if metrics[metricBreaker] == breakerClosed {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s is still %v", metricBreaker, metrics[metricBreaker]), ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stroll lets the first few of the crowd ask, one after the other, with a
// pause after each.
func (c *crowd) stroll(ctx context.Context, pause time.Duration) ([]Side, error) {
	sides := make([]Side, outageUsers)
	for user := range sides {
		var err error
		if sides[user], err = c.one(ctx, user); err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
	return sides, nil
}

// Outage takes the new shop off the network, as a crash would, and brings it back.
type Outage interface {
	Begin()
	End(ctx context.Context) error
}

// metrics returns what the router has counted, by the names of the series.
func (a *admin) metrics(ctx context.Context) (map[string]float64, error) {
	text, err := a.text(ctx, http.MethodGet, "/metrics", "", nil)
	if err != nil {
		return nil, err
	}
	series := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		i := strings.LastIndexByte(line, ' ')
		if i < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		var value float64
		if _, err := fmt.Sscan(line[i+1:], &value); err == nil {
			series[line[:i]] = value
		}
	}
	return series, nil
}
