package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/stranglerfig/strangler/internal/fleet"
)

func testInstances(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"are listed as they last said": instancesListed,
		"are forgotten after a day":    instancesForgotten,
		"change no revision":           instancesQuiet,
		"may say what is not known":    instancesNewer,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

func (f *fixture) beat(instance fleet.Instance) {
	f.t.Helper()
	if err := f.Heartbeat(f.t.Context(), instance); err != nil {
		f.t.Fatalf("heartbeat: %v", err)
	}
}

func (f *fixture) instances() []fleet.Instance {
	f.t.Helper()
	instances, err := f.Instances(f.t.Context())
	if err != nil {
		f.t.Fatalf("instances: %v", err)
	}
	return instances
}

func instancesListed(t *testing.T, backend Backend) {
	f := open(t, backend)
	if got := f.instances(); len(got) != 0 {
		t.Fatalf("an empty store has instances: %+v", got)
	}
	b := fleet.Instance{Name: "b:8080", Revision: 3, Version: "1.0", StartedAt: moment, Age: time.Hour, OverrideKeys: []string{"k1"}, RedactionKeys: []string{}}
	a := fleet.Instance{Name: "a:8080", Revision: 4, Version: "1.1", StartedAt: moment, OverrideKeys: []string{}, RedactionKeys: []string{"r2", "r1"}, Trouble: &fleet.Trouble{}}
	c := fleet.Instance{Name: "c:8080", StartedAt: moment} // does not say which keys it has
	f.beat(c)
	f.beat(b)
	f.beat(a)
	b.Revision, b.SignedOff, b.OverrideKeys, b.RedactionKeys = 5, true, []string{"k2", "k1"}, []string{"r3"}
	b.Trouble = &fleet.Trouble{
		Lanes:   []fleet.LaneTrouble{{Route: "cart", Side: "new", Breaker: "open", Failures: 9, Results: 20, For: time.Second}},
		LeftOut: 3,
	}
	f.beat(b)

	got := f.instances()
	for _, instance := range got {
		if instance.Age < 0 || instance.Age > time.Minute {
			t.Errorf("%s was heard of %s ago, want by the store's clock a moment ago", instance.Name, instance.Age)
		}
	}
	if diff := cmp.Diff([]fleet.Instance{a, b, c}, got, cmpopts.IgnoreFields(fleet.Instance{}, "Age")); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
}

func instancesForgotten(t *testing.T, backend Backend) {
	f := open(t, backend)
	f.beat(fleet.Instance{Name: "old", StartedAt: moment})
	f.mustBehind("UPDATE instances SET seen_at = " + backend.DayAgo)
	if got := f.instances(); len(got) != 0 {
		t.Errorf("after a day: %+v, want none", got)
	}
	f.beat(fleet.Instance{Name: "young", StartedAt: moment})
	var rows int
	if err := backend.DB(t, f.url).QueryRowContext(t.Context(), "SELECT count(*) FROM instances").Scan(&rows); err != nil || rows != 1 {
		t.Errorf("%d rows, %v; want the young one alone", rows, err)
	}
}

func instancesQuiet(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	f.beat(fleet.Instance{Name: "a", StartedAt: moment})
	if f.load(before) != before {
		t.Error("a heartbeat made a new snapshot")
	}
}

// instancesNewer is a fleet that is being updated: a router with another idea of
// trouble must not hide the others, and not itself.
func instancesNewer(t *testing.T, backend Backend) {
	f := open(t, backend)
	a := fleet.Instance{Name: "a", Revision: 2, StartedAt: moment, OverrideKeys: []string{}, Trouble: &fleet.Trouble{LeftOut: 1}}
	b := fleet.Instance{Name: "b", Revision: 3, StartedAt: moment, OverrideKeys: []string{}, Trouble: &fleet.Trouble{}}
	f.beat(a)
	f.beat(b)
	f.mustBehind(`UPDATE instances SET trouble = '{"lanes": {"cart": 1}}' WHERE name = 'b'`)
	b.Trouble = nil
	if diff := cmp.Diff([]fleet.Instance{a, b}, f.instances(), cmpopts.IgnoreFields(fleet.Instance{}, "Age")); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
}
