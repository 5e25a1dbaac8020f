package api_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

// onBoth runs a test on a new and empty database of each kind; another call of
// url makes another one.
func onBoth(t *testing.T, test func(t *testing.T, url func() string)) {
	t.Run("postgres", func(t *testing.T) { test(t, func() string { return pgtest.URL(t) }) })
	t.Run("sqlite", func(t *testing.T) {
		test(t, func() string { return "sqlite:" + filepath.Join(t.TempDir(), "strangler.db") })
	})
}

func TestTwoOperatorsOnOneRoute(t *testing.T) {
	onBoth(t, func(t *testing.T, url func() string) {
		h := openAt(t, url())
		h.post("/api/v1/apply", shop, yamlBody).want(http.StatusOK)
		for round, place := range []string{"1%", "2%", "3%", "4%", "5%"} {
			tag := h.get("/api/v1/routes/orders-get").header.Get("ETag")
			answers := together(
				func() *answer {
					return h.post("/api/v1/routes/orders-get/promote", fmt.Sprintf(`{"to": %q}`, place), header("If-Match", tag), as(h.secrets[auth.Operator]))
				},
				func() *answer {
					return h.post("/api/v1/routes/orders-get/promote", fmt.Sprintf(`{"to": %q}`, place), header("If-Match", tag), as(h.secrets[auth.Admin]))
				},
			)
			loser, winner := 0, "ada"
			if answers[0].status == http.StatusOK {
				loser, winner = 1, "olga"
			}
			answers[1-loser].want(http.StatusOK)
			p := answers[loser].problem(http.StatusPreconditionFailed, "conflict")
			if p.ChangedBy != winner || !strings.Contains(p.Detail, winner) || p.Revision != wire.Revision(round+2) {
				t.Errorf("round %d: %+v, want to read of %s", round, p, winner)
			}
		}
	})
}

func TestTwoOperatorsOnDifferentRoutes(t *testing.T) {
	onBoth(t, func(t *testing.T, url func() string) {
		h := openAt(t, url())
		h.post("/api/v1/apply", shop, yamlBody).want(http.StatusOK)
		promote := func(route string) func() *answer {
			tag := h.get("/api/v1/routes/" + route).header.Get("ETag")
			return func() *answer { return h.post("/api/v1/routes/"+route+"/promote", `{}`, header("If-Match", tag)) }
		}
		var newest wire.Revision
		for range 4 {
			for _, a := range together(promote("orders-get"), promote("orders-list"), promote("orders-post")) {
				newest = max(newest, decode[wire.Move](a.want(http.StatusOK)).Revision)
			}
		}
		if newest != 13 { // as the store says: the router may not have read the last one yet
			t.Errorf("revision %d, want 13", newest)
		}
	})
}

// What is exported and applied to an empty store gives the same definitions,
// salts included: users stay on their sides.
func TestAnExportIsAppliedToAnEmptyStore(t *testing.T) {
	onBoth(t, func(t *testing.T, url func() string) {
		from, to := openAt(t, url()), openAt(t, url())
		from.post("/api/v1/apply", shop, yamlBody).want(http.StatusOK)
		from.post("/api/v1/groups/visitors/reshuffle", `{}`).want(http.StatusOK)
		export := string(from.get("/api/v1/export").want(http.StatusOK).body)

		to.post("/api/v1/apply?dry_run=true&prune=true", export, yamlBody).want(http.StatusOK)
		if revision := to.router.Snapshot().Revision; revision != 0 {
			t.Fatalf("a dry run made revision %d", revision)
		}
		to.post("/api/v1/apply?prune=true", export, yamlBody).want(http.StatusOK)
		had, has := from.router.Snapshot(), to.router.Snapshot()
		if had.DefinitionsDigest != has.DefinitionsDigest || had.StoreID == has.StoreID {
			t.Errorf("digest %s became %s", had.DefinitionsDigest, has.DefinitionsDigest)
		}
		if again := string(to.get("/api/v1/export").want(http.StatusOK).body); again != export {
			t.Errorf("exported again:\n%s\nwant\n%s", again, export)
		}
		edit := decode[wire.Edit](to.post("/api/v1/apply?prune=true", export, yamlBody).want(http.StatusOK))
		if len(edit.Changes) != 0 {
			t.Errorf("applied again: %+v", edit.Changes)
		}
	})
}

// together makes calls at the same time.
func together(calls ...func() *answer) []*answer {
	answers := make([]*answer, len(calls))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i, call := range calls {
		all.Go(func() {
			<-start
			answers[i] = call()
		})
	}
	close(start)
	all.Wait()
	return answers
}
