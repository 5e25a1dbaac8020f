package api

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/routing"
)

// overridden looks at the overrides that a request bears, in the order in which
// the data plane does, up to the first that is obeyed.
func (s *server) overridden(asked question, table *routing.Table, a routing.Assignment) (routing.Assignment, []wire.ExplainedOverride) {
	values := slices.Clone(asked.header.Values(auth.OverrideHeader))
	values = slices.AppendSeq(values, exchange.CookieValues(exchange.Fields(asked.header), auth.OverrideCookie))
	looked := []wire.ExplainedOverride{}
	for _, value := range values[:min(len(values), auth.OverridesPerRequest)] {
		assigned, became := s.obey(value, table, a)
		looked = append(looked, became)
		if became.Result == wire.ExplainedOverrideResultObeyed {
			return assigned, looked
		}
	}
	return a, looked
}

// obey says what becomes of one override.
func (s *server) obey(value string, table *routing.Table, a routing.Assignment) (routing.Assignment, wire.ExplainedOverride) {
	override, err := s.Signer.Verify(value, time.Now())
	if err != nil {
		return a, s.disbelieved(override, err)
	}
	became := wire.ExplainedOverride{ID: override.ID, Route: override.Route}
	side := routing.SideNamed(override.Side)
	assigned, ok := table.Override(a, side)
	switch {
	case override.Route != a.Route.Name:
		became.Result, became.Why = wire.ExplainedOverrideResultOtherRoute, "it is for route "+override.Route
	case s.hasRevoked(override.ID):
		became.Result, became.Why = wire.ExplainedOverrideResultRevoked, "it was revoked"
	case !ok:
		became.Result, became.Why = wire.ExplainedOverrideResultSuspended, suspension(a, side, table.Assigned(a.Route).RolledBack)
	default:
		became.Result = wire.ExplainedOverrideResultObeyed
		became.Why = fmt.Sprintf("it puts its bearer on %s until %s", side, override.Expires.UTC().Format(time.RFC3339))
		return assigned, became
	}
	return a, became
}

// disbelieved says why a value is not believed.
func (s *server) disbelieved(override auth.Override, err error) wire.ExplainedOverride {
	became := wire.ExplainedOverride{Result: wire.ExplainedOverrideResultMalformed, Why: err.Error()}
	switch {
	case errors.Is(err, auth.ErrOverrideExpired):
		became.Result, became.ID, became.Route = wire.ExplainedOverrideResultExpired, override.ID, override.Route
	case errors.Is(err, auth.ErrOverrideSignature):
		became.Result = wire.ExplainedOverrideResultBadSignature
	case errors.Is(err, auth.ErrOverrideKey):
		became.Result = wire.ExplainedOverrideResultUnknownKey
		if len(s.Signer.IDs()) == 0 {
			became.Why = "this router has no key for overrides, and believes none"
		}
	}
	return became
}

// suspension says why a good override is not obeyed for now.
func suspension(a routing.Assignment, side routing.Side, rolledBack bool) string {
	switch {
	case a.Stage == routing.StageRetired:
		return "route " + a.Route.Name + " is retired: it has one side only"
	case rolledBack:
		return "route " + a.Route.Name + " is rolled back: overrides are ignored until it is promoted or resumed"
	default:
		return fmt.Sprintf("route %s has no side %s", a.Route.Name, side)
	}
}

func (s *server) hasRevoked(id string) bool {
	snapshot := s.Router.Snapshot()
	return snapshot != nil && slices.ContainsFunc(snapshot.RevokedOverrides, func(r fleet.RevokedOverride) bool { return r.ID == id })
}
