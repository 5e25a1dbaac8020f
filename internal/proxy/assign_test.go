package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
)

func user(id int) http.Header { return http.Header{"X-User-Id": {fmt.Sprint(id)}} }

// sides asks for every user once and returns who served each.
func (r *router) sides(users int) []string {
	r.t.Helper()
	served := make([]string, users)
	for id := range served {
		res, body := r.do("GET", "/orders/1", user(id), nil)
		if res.StatusCode != 200 {
			r.t.Fatalf("user %d: %d %s", id, res.StatusCode, body)
		}
		served[id] = body
	}
	return served
}

func TestCanaryMovesUsersAndKeepsThem(t *testing.T) {
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": named(t, "new")})
	const users = 400
	var before []string
	for revision, weight := range []routing.Weight{0, 500, 2500, 5000, routing.FullWeight} {
		r.install(routing.Revision(revision+1), canary("/orders", weight), legacyOnly())
		now := r.sides(users)
		moved := 0
		for id, side := range now {
			if side == "new" {
				moved++
			} else if before != nil && before[id] == "new" {
				t.Errorf("user %d went back to legacy when the weight rose to %s", id, weight)
			}
			if want := routing.Point("s", fmt.Sprint(id)) < int(weight); (side == "new") != want {
				t.Errorf("user %d at %s was served by %s; point %d", id, weight, side, routing.Point("s", fmt.Sprint(id)))
			}
		}
		t.Logf("at %s new serves %d of %d users", weight, moved, users)
		before = now
	}
}

func TestKeylessRequestsStayOnLegacy(t *testing.T) {
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": named(t, "new")})
	r.install(1, canary("/orders", 9999), legacyOnly())
	for range 20 {
		if _, body := r.get("/orders/1"); body != "legacy" {
			t.Fatal("a request without a key was served by new")
		}
	}
	for _, entry := range r.log.entries(t, 20) {
		if entry["strangler.reason"] != "no_key" {
			t.Fatalf("logged reason %v", entry["strangler.reason"])
		}
	}
}

// TestMinting: a browser that navigates in a canary without a key is given
// one, is served by legacy this once, and from then on by its cohort's side.
func TestMinting(t *testing.T) {
	page := func(name, cacheControl string) string {
		return backend(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", cacheControl)
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
			_, _ = io.WriteString(w, name)
		})
	}
	navigation := http.Header{"Accept": {"text/html,application/xhtml+xml"}}
	minted := regexp.MustCompile(`^strangler_cohort=([0-9a-f]{32}); Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax$`)
	for name, c := range map[string]struct {
		cache  string
		header http.Header
		weight routing.Weight
		mints  bool
	}{
		"navigation":            {"private", navigation, 9999, true},
		"no accept":             {"private", nil, 9999, false},
		"an API call":           {"private", http.Header{"Accept": {"application/json"}}, 9999, false},
		"public":                {"public, max-age=60", navigation, 9999, false},
		"shared":                {"max-age=60, S-MAXAGE=60", navigation, 9999, false},
		"immutable":             {"immutable", navigation, 9999, false},
		"nothing split":         {"private", navigation, 0, false},
		"all moved":             {"private", navigation, routing.FullWeight, false},
		"another key is there":  {"private", http.Header{"Accept": {"text/html"}, "X-User-Id": {"7"}}, 9999, false},
		"the cookie is there":   {"private", http.Header{"Accept": {"text/html"}, "Cookie": {"strangler_cohort=abc"}}, 9999, false},
		"the cookie is empty":   {"private", http.Header{"Accept": {"text/html"}, "Cookie": {"strangler_cohort="}}, 9999, true},
		"a catch-all mints not": {"private", navigation, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, map[string]string{"legacy": page("legacy", c.cache), "new": page("new", c.cache)})
			path := "/orders"
			if strings.HasPrefix(name, "a catch-all") {
				path = "/elsewhere"
			}
			r.install(1, canary("/orders", c.weight), legacyOnly())
			res, body := r.do("GET", path, c.header, nil)
			var got string
			for _, cookie := range res.Header.Values("Set-Cookie") {
				if strings.HasPrefix(cookie, "strangler_cohort") {
					got = cookie
				}
			}
			if (got != "") != c.mints || (c.mints && !minted.MatchString(got)) {
				t.Fatalf("Set-Cookie %q, want a cookie: %v", got, c.mints)
			}
			if len(res.Header.Values("Set-Cookie")) == 0 || res.Header.Values("Set-Cookie")[0] != "session=1" {
				t.Errorf("the backend's own cookie is gone: %q", res.Header.Values("Set-Cookie"))
			}
			if !c.mints {
				return
			}
			if body != "legacy" {
				t.Errorf("the request that minted was served by %s", body)
			}
			key := minted.FindStringSubmatch(got)[1]
			_, body = r.do("GET", path, http.Header{"Cookie": {"a=b; strangler_cohort=" + key}}, nil)
			if want := routing.Point("s", key) < int(c.weight); (body == "new") != want {
				t.Errorf("with the cookie %s served it", body)
			}
		})
	}
}

func TestNoRouteAndNoTable(t *testing.T) {
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": named(t, "new")})
	res, body := r.get("/")
	if code := problem(t, res, body); code != "not_ready" || res.StatusCode != 503 {
		t.Errorf("before the first table: %d %s", res.StatusCode, code)
	}
	r.install(1, canary("/orders", 2500))
	res, body = r.get("/elsewhere")
	if code := problem(t, res, body); code != "no_route" || res.StatusCode != 404 {
		t.Errorf("without a catch-all: %d %s", res.StatusCode, code)
	}
}
