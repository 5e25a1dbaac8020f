package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// readFor bounds how long a read waits for the store before it makes do with
// what this router serves.
const readFor = 2 * time.Second

// staleHeader tells the age, in seconds, of an answer that is not from the store.
const staleHeader = "Strangler-Stale"

// unfollowedHeader is on an answer from a store that this router has raised an
// alarm about: the revision by which it goes on meanwhile.
const unfollowedHeader = "Strangler-Unfollowed"

// read returns what the store holds, or what this router serves when the store
// is away; the answer then says how old that is. It also says where the two are
// not the same.
func (s *server) read(w http.ResponseWriter, r *http.Request) (*fleet.Snapshot, error) {
	served := s.Router.Snapshot()
	ctx, cancel := context.WithTimeout(r.Context(), readFor)
	defer cancel()
	snapshot, err := s.Catalog.Load(ctx, served)
	switch {
	case err == nil:
		if served != nil && s.Router.Status().Alarm != nil {
			w.Header().Set(unfollowedHeader, strconv.FormatInt(int64(served.Revision), 10))
		}
		return snapshot, nil
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	case served == nil:
		return nil, s.storeAway(err)
	}
	age := time.Since(s.Router.Status().ConfirmedAt)
	w.Header().Set(staleHeader, strconv.Itoa(max(0, int(age.Seconds()))))
	return served, nil
}

// readRoute reads as read does, and finds one route in what it returns.
func (s *server) readRoute(w http.ResponseWriter, r *http.Request, route string) (snapshot *fleet.Snapshot, i int, err error) {
	if snapshot, err = s.read(w, r); err != nil {
		return nil, 0, err
	}
	i, found := find(snapshot.Definitions.Routes, route, routeName)
	if !found {
		return nil, 0, unknown(spec.KindRoute, route, names(snapshot.Definitions.Routes, routeName))
	}
	return snapshot, i, nil
}

// find returns the position of a name in definitions, which are sorted by it.
func find[T any](items []T, name string, nameOf func(T) string) (int, bool) {
	return slices.BinarySearchFunc(items, name, func(item T, name string) int {
		return cmp.Compare(nameOf(item), name)
	})
}

func routeName(r spec.Route) string     { return r.Name }
func backendName(b spec.Backend) string { return b.Name }
func groupName(g spec.Group) string     { return g.Name }

// names lists what nameOf says.
func names[T any](items []T, nameOf func(T) string) []string {
	list := make([]string, len(items))
	for i, item := range items {
		list[i] = nameOf(item)
	}
	return list
}

// invalidRoutes returns what the served table could not compile, by route; of
// several faults the first.
func (s *server) invalidRoutes() map[string]routing.Invalid {
	table := s.Router.Table()
	if table == nil {
		return nil
	}
	faults := make(map[string]routing.Invalid)
	for _, fault := range table.Invalid() {
		if _, known := faults[fault.Name]; !known {
			faults[fault.Name] = fault
		}
	}
	return faults
}
