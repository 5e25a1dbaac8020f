package api

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/spec"
)

// backendDetail is wire.Backend with what has a shape of its own in package
// spec as that writes it.
type backendDetail struct {
	wire.Backend
	Bulkhead *spec.Part[spec.Bulkhead] `json:"bulkhead,omitempty"`
	Health   *spec.Health              `json:"health,omitempty"`
	Fallback *spec.FallbackBudget      `json:"fallback,omitempty"`
}

// ListBackends answers with every backend and who uses it.
func (s *server) ListBackends(w http.ResponseWriter, r *http.Request) {
	snapshot, err := s.read(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	users := make(map[string][]string)
	for _, route := range snapshot.Definitions.Routes {
		users[route.Legacy] = append(users[route.Legacy], route.Name)
		for _, other := range slices.Compact([]string{route.New, route.Sandbox()}) {
			if other != route.Legacy {
				users[other] = append(users[other], route.Name)
			}
		}
	}
	legacy := snapshot.Definitions.LegacyBackends()
	list := make([]backendDetail, len(snapshot.Definitions.Backends))
	for i, definition := range snapshot.Definitions.Backends {
		list[i] = wireBackend(snapshot, i, legacy[definition.Name], users[definition.Name])
	}
	s.writeJSON(w, r, list)
}

// GetBackend answers with one backend.
func (s *server) GetBackend(w http.ResponseWriter, r *http.Request, backend string) {
	snapshot, err := s.read(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	i, found := find(snapshot.Definitions.Backends, backend, backendName)
	if !found {
		s.fail(w, r, unknown(spec.KindBackend, backend, names(snapshot.Definitions.Backends, backendName)))
		return
	}
	w.Header().Set("ETag", etag(snapshot.BackendRevisions[i]))
	legacy := snapshot.Definitions.LegacyBackends()[backend]
	s.writeJSON(w, r, wireBackend(snapshot, i, legacy, namesWhere(snapshot.Definitions.Routes, func(route spec.Route) bool {
		return route.Uses(backend)
	})))
}

// ListGroups answers with every cohort group and its routes.
func (s *server) ListGroups(w http.ResponseWriter, r *http.Request) {
	snapshot, err := s.read(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	members := make(map[string][]string)
	for _, route := range snapshot.Definitions.Routes {
		members[route.Group] = append(members[route.Group], route.Name)
	}
	list := make([]wire.Group, len(snapshot.Definitions.Groups))
	for i, definition := range snapshot.Definitions.Groups {
		if list[i], err = wireGroup(snapshot, i, members[definition.Name]); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	s.writeJSON(w, r, list)
}

// GetGroup answers with one cohort group.
func (s *server) GetGroup(w http.ResponseWriter, r *http.Request, group string) {
	snapshot, err := s.read(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	i, found := find(snapshot.Definitions.Groups, group, groupName)
	if !found {
		s.fail(w, r, unknown(spec.KindGroup, group, names(snapshot.Definitions.Groups, groupName)))
		return
	}
	answer, err := wireGroup(snapshot, i, namesWhere(snapshot.Definitions.Routes, func(route spec.Route) bool {
		return route.Group == group
	}))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("ETag", etag(snapshot.GroupRevisions[i]))
	s.writeJSON(w, r, answer)
}

// namesWhere lists the routes that wanted picks.
func namesWhere(routes []spec.Route, wanted func(spec.Route) bool) []string {
	var list []string
	for _, route := range routes {
		if wanted(route) {
			list = append(list, route.Name)
		}
	}
	return list
}

func wireBackend(snapshot *fleet.Snapshot, i int, legacy bool, users []string) backendDetail {
	definition := snapshot.Definitions.Backends[i]
	answer := backendDetail{Backend: wire.Backend{
		Name: definition.Name, Endpoints: definition.Endpoints, Protocol: definition.Protocol, Routes: orEmpty(users),
		Trust: definition.Trust, BuildHeader: definition.BuildHeader, Revision: wire.Revision(snapshot.BackendRevisions[i]),
	}, Bulkhead: definition.Bulkhead, Health: definition.Health, Fallback: definition.Fallback}
	for _, setting := range definition.Settings(legacy) {
		answer.Settings = append(answer.Settings, wire.BackendSetting{
			Name: setting.Path(), Value: setting.Value, Source: wire.BackendSettingSource(setting.From),
		})
	}
	if t := definition.TLS; t != nil {
		answer.TLS = wire.BackendTLS{Ca: t.CA, ServerName: t.ServerName, Cert: t.Cert, Key: t.Key}
	}
	return answer
}

func wireGroup(snapshot *fleet.Snapshot, i int, members []string) (wire.Group, error) {
	definition := snapshot.Definitions.Groups[i]
	keys := make(wire.Keys, len(definition.Keys))
	for k, key := range definition.Keys {
		text, err := json.Marshal(key)
		if err != nil {
			return wire.Group{}, err
		}
		keys[k] = text
	}
	return wire.Group{
		Name: definition.Name, Keys: keys, Salt: definition.Salt, Routes: orEmpty(members),
		Revision: wire.Revision(snapshot.GroupRevisions[i]),
	}, nil
}

// orEmpty makes JSON of nothing a list, not a null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
