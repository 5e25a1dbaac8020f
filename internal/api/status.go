package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

// GetStatus answers with what this router serves. It asks nobody else, so it
// works when nothing else does.
func (s *server) GetStatus(w http.ResponseWriter, r *http.Request) {
	store := s.Router.Status()
	status := wire.Status{
		Instance: s.Instance, Version: s.Version, Ready: true, Faults: []wire.Fault{}, Drained: []wire.DrainedEndpoint{},
		Store: wire.StoreStatus{URL: s.StoreURL, Reachable: store.Reachable, Since: store.Since.UTC()},
	}
	if err := s.Router.Ready(); err != nil {
		status.Ready, status.NotReady = false, err.Error()
	}
	switch {
	case store.Alarm != nil:
		status.Store.Error, status.Store.Alarm = store.Alarm.Error(), alarm(store.Alarm)
	case store.LastError != nil:
		status.Store.Error = store.LastError.Error()
	}
	if snapshot := s.Router.Snapshot(); snapshot != nil {
		status.Store.ID = snapshot.StoreID
		status.Revision = wire.Revision(snapshot.Revision)
		status.AgeS = max(0, time.Since(store.ConfirmedAt).Seconds())
		count(&status, snapshot)
		status.Faults, status.Frozen = running(snapshot), frozen(snapshot.Controls)
		for _, d := range snapshot.Controls.Drained {
			status.Drained = append(status.Drained, wire.DrainedEndpoint{Backend: d.Backend, Endpoint: d.Endpoint})
		}
	}
	status.Invalid = s.invalidList()
	s.writeJSON(w, r, status)
}

// alarm names an alarm for machines; nil for one that has no name.
func alarm(err error) *wire.StoreStatusAlarm {
	for _, known := range [...]struct {
		is   error
		name wire.StoreStatusAlarm
	}{
		{fleet.ErrStoreWentBack, wire.StoreStatusAlarmWentBack},
		{fleet.ErrStoreForked, wire.StoreStatusAlarmForked},
		{fleet.ErrStoreReplaced, wire.StoreStatusAlarmReplaced},
	} {
		if errors.Is(err, known.is) {
			return &known.name
		}
	}
	return nil
}

func count(status *wire.Status, snapshot *fleet.Snapshot) {
	for _, route := range snapshot.Routes {
		switch route.Stage {
		case routing.StageLegacy:
			status.Stages.Legacy++
		case routing.StageShadow:
			status.Stages.Shadow++
		case routing.StageCanary:
			status.Stages.Canary++
		case routing.StageNew:
			status.Stages.New++
		case routing.StageRetired:
			status.Stages.Retired++
		}
		switch route.Hold.Kind {
		case rollout.HoldPaused:
			status.Holds.Paused++
		case rollout.HoldRolledBack:
			status.Holds.RolledBack++
		}
	}
}

// invalidList is every fault of the served table.
func (s *server) invalidList() []wire.InvalidRoute {
	list := []wire.InvalidRoute{}
	table := s.Router.Table()
	if table == nil {
		return list
	}
	for _, fault := range table.Invalid() {
		list = append(list, wire.InvalidRoute{Route: fault.Name, Code: string(fault.Code), Field: fault.Field, Message: fault.Message})
	}
	return list
}
