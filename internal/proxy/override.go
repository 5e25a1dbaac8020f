package proxy

import (
	"errors"
	"net/http"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// Overrides verifies the signed value of an override; *auth.OverrideKeys does.
type Overrides interface {
	Verify(value string, now time.Time) (auth.Override, error)
}

// SetRevoked says which overrides are not to be believed any more, by their
// ids, instead of those that were named before. It comes before the Install of
// the table that has them: when that is applied, no attempt can start by an
// override that was revoked.
func (p *Proxy) SetRevoked(ids []string) {
	revoked := make(map[string]struct{}, len(ids))
	for _, id := range ids {
		revoked[id] = struct{}{}
	}
	p.revoked.Store(&revoked)
}

// override obeys the first override of the request that is for its route.
func (f *flow) override() {
	left := auth.OverridesPerRequest
	for _, value := range f.r.Header[auth.OverrideHeader] {
		if f.tried(value, &left) {
			return
		}
	}
	for value := range exchange.CookieValues(exchange.Fields(f.r.Header), auth.OverrideCookie) {
		if f.tried(value, &left) {
			return
		}
	}
}

// tried looks at one override, and reports whether that is enough.
func (f *flow) tried(value string, left *int) (enough bool) {
	if *left == 0 {
		return true
	}
	*left--
	result := f.obey(value)
	f.proxy.metrics.Override(result)
	return result == telemetry.OverrideObeyed
}

// obey assigns the exchange by a signed value, where it may.
func (f *flow) obey(value string) telemetry.OverrideResult {
	override, err := f.proxy.overrides.Verify(value, f.Start)
	switch {
	case err != nil:
		return overrideFault(err)
	case override.Route != f.route.Name:
		return telemetry.OverrideOtherRoute
	case f.proxy.hasRevoked(override.ID):
		return telemetry.OverrideRevoked
	}
	assignment, ok := f.gen.table.Override(f.Assignment, routing.SideNamed(override.Side))
	if !ok {
		return telemetry.OverrideSuspended
	}
	f.Assignment = assignment
	return telemetry.OverrideObeyed
}

func (p *Proxy) hasRevoked(id string) bool {
	revoked := p.revoked.Load()
	if revoked == nil {
		return false
	}
	_, found := (*revoked)[id]
	return found
}

func overrideFault(err error) telemetry.OverrideResult {
	switch {
	case errors.Is(err, auth.ErrOverrideExpired):
		return telemetry.OverrideExpired
	case errors.Is(err, auth.ErrOverrideKey):
		return telemetry.OverrideUnknownKey
	case errors.Is(err, auth.ErrOverrideSignature):
		return telemetry.OverrideBadSignature
	default:
		return telemetry.OverrideMalformed
	}
}

// hideOverride keeps overrides from backends: whoever logs one could use it.
func hideOverride(header http.Header) {
	delete(header, auth.OverrideHeader) // also where a trusted proxy sent it
	exchange.DropCookie(exchange.Fields(header), auth.OverrideCookie)
}
