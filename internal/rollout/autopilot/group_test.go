package autopilot_test

import (
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
)

// shop are two routes of one group, and one of its own.
func shop(t *testing.T) *world {
	t.Helper()
	return newWorld(t, "routes:\n"+route("cart", "group: shop, "+easy)+route("checkout", "group: shop, "+easy)+route("orders", easy))
}

func TestAGroupGoesOnTogether(t *testing.T) {
	w := shop(t)
	w.let("cart", autopilot.On)
	pilot := w.pilot("a")
	w.look(pilot)
	w.stands("cart", "legacy")
	if held := w.held("cart"); held != "waits for checkout of group shop: the autopilot is off" {
		t.Errorf("it is held because %q", held)
	}
	w.let("checkout", autopilot.On)
	w.look(pilot)
	w.stands("cart", "shadow")
	w.stands("checkout", "shadow")
	if a, b := w.newest("cart"), w.newest("checkout"); a.Revision != b.Revision || a.ID == b.ID {
		t.Errorf("they moved by the revisions %d and %d", a.Revision, b.Revision)
	}
	w.look(pilot)
	w.stands("checkout", "1%")
	w.serve(served{route: "cart", side: "new", requests: 9})
	w.look(pilot)
	w.stands("cart", "1%")
	if held := w.held("cart"); !strings.HasPrefix(held, "waits for checkout of group shop: errors: needs 5 ") {
		t.Errorf("it is held because %q", held)
	}
	w.stands("orders", "legacy")
}

// Those who have come least far go first.
func TestAGroupClosesUp(t *testing.T) {
	w := shop(t)
	w.let("cart", autopilot.On)
	w.let("checkout", autopilot.On)
	w.promote("cart", "25%")
	pilot := w.pilot("a")
	w.look(pilot)
	w.serve(served{route: "cart", side: "new", requests: 9})
	w.look(pilot)
	w.stands("cart", "25%")
	w.stands("checkout", "1%")
	if held := w.held("cart"); !strings.HasPrefix(held, "waits for checkout of group shop: errors: needs 5 ") {
		t.Errorf("it is held because %q", held)
	}
	w.person("checkout", rollout.Command{Verb: rollout.VerbPause})
	if held := w.held("checkout"); held != "the route is paused" {
		t.Errorf("the other is held because %q", held)
	}
}

// A user who loses one page to legacy must not keep the form on new.
func TestAGroupComesBackTogether(t *testing.T) {
	w := shop(t)
	w.promote("cart", "25%")
	w.promote("checkout", "5%")
	w.promote("orders", "25%")
	pilot := w.pilot("a")
	w.look(pilot)
	w.failing("checkout")
	w.look(pilot)
	w.stands("cart", "shadow+rolled_back")
	w.stands("checkout", "shadow+rolled_back")
	w.stands("orders", "25%")
	cart, checkout := w.newest("cart"), w.newest("checkout")
	if cart.Revision != checkout.Revision || cart.Reason != checkout.Reason || !strings.HasPrefix(cart.Reason, "checkout: errors: 50%") {
		t.Errorf("revisions %d and %d, reason %q", cart.Revision, checkout.Revision, cart.Reason)
	}
}

func TestADisarmedRouteOfAGroupStays(t *testing.T) {
	w := shop(t)
	w.promote("cart", "25%")
	w.promote("checkout", "25%")
	w.let("cart", autopilot.Disarmed)
	pilot := w.pilot("a")
	w.look(pilot)
	w.failing("checkout")
	w.failing("cart")
	w.look(pilot)
	w.stands("cart", "25%")
	w.stands("checkout", "shadow+rolled_back")
}

func (w *world) held(route string) string {
	w.t.Helper()
	all, err := w.evaluator().Judge(w.t.Context(), []string{route})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(all) != 1 {
		w.t.Errorf("asked of %s it told of %d routes", route, len(all))
	}
	return all[route].Held
}
