package auth_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/auth"
)

func deny(t *testing.T, v *auth.Verifier, secret, from string) {
	t.Helper()
	if identity, err := v.Verify(t.Context(), secret, from); err == nil || identity != (auth.Identity{}) {
		t.Errorf("%q from %s: %+v, %v; want it denied, and nobody named", secret, from, identity, err)
	}
}

func TestDeniedLogInsAreAddedUpBySource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shelf{}
		gone := store.put(t, "leaver", auth.Admin, 0)
		store.revoke(gone)
		v := auth.NewVerifier(store, "", quiet())
		first := time.Now()
		deny(t, v, "guess", "192.0.2.7:1000")
		time.Sleep(time.Second)
		deny(t, v, "guess again", "192.0.2.7:2000")
		deny(t, v, gone, "192.0.2.7:2000")
		deny(t, v, "guess", "[2001:db8::1]:1")
		deny(t, v, "guess", "[2001:db8::2]:1")
		deny(t, v, "guess", "[::ffff:192.0.2.8]:1")
		deny(t, v, "guess", "@")
		deny(t, v, "", "192.0.2.9:1") // no log-in: nothing was shown
		second := first.Add(time.Second)
		const why = "not authenticated: this is not a token of strangler"
		want := []auth.Denied{
			{Source: "192.0.2.7", Why: why, Count: 2, First: first, Last: second},
			{Source: "192.0.2.7", Token: "leaver", Why: "not authenticated: the token was revoked at 2000-01-01T00:00:00Z", Count: 1, First: second, Last: second},
			{Source: "192.0.2.8", Why: why, Count: 1, First: second, Last: second},
			{Source: "2001:db8::/64", Why: why, Count: 2, First: second, Last: second},
			{Source: "unknown", Why: why, Count: 1, First: second, Last: second},
		}
		if diff := cmp.Diff(want, v.TakeDenied(false)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestASourceIsToldOfOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := auth.NewVerifier(&shelf{}, "", quiet())
		told, counted := 0, 0
		const minutes = 5
		for range minutes * 60 * 10 { // ten a second
			deny(t, v, "guess", "192.0.2.7:1")
			for _, d := range v.TakeDenied(false) {
				told, counted = told+1, counted+d.Count
			}
			time.Sleep(100 * time.Millisecond)
		}
		if told != minutes {
			t.Errorf("told of %d times in %d minutes", told, minutes)
		}
		for _, d := range v.TakeDenied(true) {
			counted += d.Count
		}
		if counted != minutes*60*10 || uint64(counted) != v.Failed() {
			t.Errorf("%d were counted and %d denied, want %d", counted, v.Failed(), minutes*60*10)
		}
		if again := v.TakeDenied(true); len(again) != 0 {
			t.Errorf("told of twice: %+v", again)
		}
	})
}

func TestManySourcesAreNotToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := auth.NewVerifier(&shelf{}, "", quiet())
		for round := range 3 {
			for i := range 1000 {
				deny(t, v, "guess", fmt.Sprintf("10.%d.%d.%d:1", round, i/256, i%256))
			}
			denied, counted := v.TakeDenied(false), 0
			for _, d := range denied {
				counted += d.Count
			}
			if len(denied) > 17 || counted != 1000 {
				t.Errorf("round %d: %d sources with %d log-ins, want 17 at most, and 1000", round, len(denied), counted)
			}
			time.Sleep(2 * time.Minute)
			v.TakeDenied(false) // forgets who was silent
		}
	})
}
