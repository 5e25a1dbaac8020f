package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/spoken"
)

// examineFor bounds a whole examination.
const examineFor = 20 * time.Second

// errNotListening stands for a reason that is not known yet.
var errNotListening = errors.New("this router does not listen yet")

// Doctor looks at the store, the backends, the routes and the instances, and
// answers with what it found, good or bad.
func (s *server) Doctor(w http.ResponseWriter, r *http.Request) {
	select {
	case s.examining <- struct{}{}:
		defer func() { <-s.examining }()
	case <-r.Context().Done():
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), examineFor)
	defer cancel()
	checks := s.storeChecks(ctx)
	snapshot, err := s.read(w, r)
	if err != nil {
		if r.Context().Err() == nil { // the store's own check says the rest
			s.writeJSON(w, r, checks)
		}
		return
	}
	instances := s.troubled(ctx)
	checks = append(checks, s.backendChecks(ctx, snapshot.Definitions.Backends)...)
	checks = append(checks, endpointChecks(snapshot, instances)...)
	checks = append(checks, s.routeChecks(snapshot)...)
	checks = append(checks, misfitChecks(snapshot.Definitions)...)
	checks = append(checks, laneChecks(snapshot, instances)...)
	checks = append(checks, s.shadowChecks(ctx, snapshot)...)
	checks = append(checks, s.autopilotChecks(ctx, snapshot)...)
	checks = append(checks, s.instanceChecks(ctx, snapshot)...)
	checks = append(checks, s.forwardedChecks()...)
	s.writeJSON(w, r, checks)
}

// checkup makes the checks of one group.
type checkup wire.CheckGroup

func (c checkup) ok(code, format string, args ...any) wire.Check {
	return c.check(wire.CheckLevelOk, code, "", format, args...)
}

func (c checkup) warn(code, hint, format string, args ...any) wire.Check {
	return c.check(wire.CheckLevelWarn, code, hint, format, args...)
}

func (c checkup) fail(code, hint, format string, args ...any) wire.Check {
	return c.check(wire.CheckLevelFail, code, hint, format, args...)
}

func (c checkup) check(level wire.CheckLevel, code, hint, format string, args ...any) wire.Check {
	return wire.Check{Group: wire.CheckGroup(c), Code: code, Level: level, Hint: hint, Message: fmt.Sprintf(format, args...)}
}

// storeChecks says how the store answers this router.
func (s *server) storeChecks(ctx context.Context) []wire.Check {
	group := checkup(wire.CheckGroupStore)
	var checks []wire.Check
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	if _, err := s.Catalog.Load(ctx, s.Router.Snapshot()); err != nil {
		hint := "traffic keeps flowing by the last table; bring the store back to change anything"
		if s.Router.Snapshot() == nil {
			hint = "this router has no table to serve by; bring the store back"
		}
		checks = append(checks, group.fail("store_unreachable", hint, "%v", err))
	} else {
		checks = append(checks, group.ok("store_reachable", "%s answers", s.StoreURL))
	}
	status := s.Router.Status()
	if status.Alarm != nil {
		checks = append(checks, group.fail("store_alarm", "find out which of the two is right; to take the store as it is, on each router: stranglerctl doctor --accept-store", "%v", status.Alarm))
	}
	if status.FromFile {
		checks = append(checks, group.warn("served_from_file", "it is replaced as soon as the store answers",
			"the table comes from the snapshot file, written %s", status.ConfirmedAt.UTC().Format(time.RFC3339)))
	}
	if status.Reachable && !status.Listening {
		checks = append(checks, group.warn("no_notifications", "check that the store's address is a direct one, or name one by --database-listen",
			"changes are found by polling, within two seconds: %v", cmp.Or(status.ListenError, errNotListening)))
	}
	return checks
}

// instanceChecks finds routers that are silent or behind.
func (s *server) instanceChecks(ctx context.Context, snapshot *fleet.Snapshot) []wire.Check {
	group := checkup(wire.CheckGroupInstances)
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	instances, err := s.Catalog.Instances(ctx)
	if err != nil {
		return []wire.Check{group.warn("instances_unknown", "", "the list of instances cannot be read: %v", err)}
	}
	var checks []wire.Check
	serving := 0
	for _, instance := range instances {
		switch state := instanceState(instance); {
		case state == wire.InstanceStateSilent:
			checks = append(checks, group.warn("instance_silent", "if it was stopped for good, it is forgotten after a day",
				"%s has not been heard of for %s", instance.Name, spoken.Duration(instance.Age.Round(time.Second))))
		case state == wire.InstanceStateServing && instance.Revision == 0 && snapshot.Revision > 0:
			checks = append(checks, group.warn("instance_apart", "ask it: stranglerctl doctor --server with its admin address",
				"%s serves nothing of what the store holds: it has just started, or does not follow this store", instance.Name))
		case state == wire.InstanceStateServing && instance.Revision < snapshot.Revision:
			serving++
			checks = append(checks, group.warn("instance_behind", "ask again; if it stays behind, look into its log",
				"%s serves revision %d, the store is at %d", instance.Name, instance.Revision, snapshot.Revision))
		case state == wire.InstanceStateServing:
			serving++
		}
	}
	checks = append(checks, overrideKeyChecks(instances)...)
	checks = append(checks, redactionKeyChecks(instances)...)
	if len(checks) == 0 {
		checks = append(checks, group.ok("instances_current", "%d of %d instances serve revision %d", serving, serving, snapshot.Revision))
	}
	return checks
}
