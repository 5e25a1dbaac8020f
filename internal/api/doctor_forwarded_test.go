package api_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// forwarders is what a data plane knows at the moment that it is asked.
type forwarders func() []api.Forwarder

func (f forwarders) UntrustedForwarders() []api.Forwarder { return f() }

// forwardedCheck is what doctor says of these forwarders.
func forwardedCheck(t *testing.T, known forwarders) *wire.Check {
	t.Helper()
	h := openShop(t, reachable(""), func(c *api.Config) { c.Forwarders = known })
	for _, check := range decode[[]wire.Check](h.get("/api/v1/doctor").want(http.StatusOK)) {
		if check.Code == "forwarded_dropped" {
			return &check
		}
	}
	return nil
}

func TestDoctorNamesUntrustedForwarders(t *testing.T) {
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d - time.Second/4) }
	want := wire.Check{
		Group: wire.CheckGroupInstances, Code: "forwarded_dropped", Level: wire.CheckLevelWarn,
		Message: "router-1 drops the X-Forwarded-* of peers that it does not trust: 2001:db8::7 (1200 times, the last 1m30s ago), 10.0.0.7 (3 times, the last 2s ago)",
		Hint:    "if these are your load balancers, add them: --trusted-proxies 2001:db8::7/128,10.0.0.7/32; if they are clients, leave it: what clients say of themselves is not to be believed",
	}
	got := forwardedCheck(t, func() []api.Forwarder {
		return []api.Forwarder{
			{Peer: netip.MustParseAddr("10.0.0.7"), Requests: 3, Last: ago(2 * time.Second)},
			{Peer: netip.MustParseAddr("2001:db8::7"), Requests: 1200, Last: ago(90 * time.Second)},
		}
	})
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDoctorNamesFiveForwarders(t *testing.T) {
	var known []api.Forwarder
	for i := range 7 {
		known = append(known, api.Forwarder{
			Peer: netip.MustParseAddr(fmt.Sprintf("10.0.0.%d", i)), Requests: uint64(i), Last: time.Now().Add(time.Hour), // clocks are set
		})
	}
	got := forwardedCheck(t, func() []api.Forwarder { return known })
	if got == nil || got.Message != "router-1 drops the X-Forwarded-* of peers that it does not trust: 10.0.0.6 (6 times, the last 0s ago), 10.0.0.5 (5 times, the last 0s ago), "+
		"10.0.0.4 (4 times, the last 0s ago), 10.0.0.3 (3 times, the last 0s ago), 10.0.0.2 (2 times, the last 0s ago), and 2 more" {
		t.Errorf("%+v", got)
	}
}

func TestDoctorIsSilentWithoutForwarders(t *testing.T) {
	if got := forwardedCheck(t, func() []api.Forwarder { return nil }); got != nil {
		t.Errorf("%+v", got)
	}
}
