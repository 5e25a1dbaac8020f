package proxy_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// tester signs overrides that a router believes.
type tester struct {
	*router
	keys    *auth.OverrideKeys
	metrics *telemetry.Metrics
}

func ring(t testing.TB, id, fill string) *auth.OverrideKeys {
	t.Helper()
	keys, err := auth.ParseOverrideKeys(id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(fill, 32))))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func startTester(t testing.TB, backends map[string]string, opts ...option) *tester {
	t.Helper()
	keys, metrics := ring(t, "k1", "a"), telemetry.New("test")
	opts = append(opts, func(s *settings) { s.options.Overrides, s.options.Metrics = keys, metrics })
	return &tester{start(t, backends, opts...), keys, metrics}
}

func (r *tester) sign(keys *auth.OverrideKeys, route, side string, now time.Time) (id, value string) {
	r.t.Helper()
	override, value, err := keys.Sign(route, side, time.Hour, now)
	if err != nil {
		r.t.Fatal(err)
	}
	return override.ID, value
}

// results are the counted overrides, such as obeyed=2.
func (r *tester) results() []string {
	r.t.Helper()
	answer := httptest.NewRecorder()
	r.metrics.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var found []string
	for line := range strings.Lines(answer.Body.String()) {
		if rest, ok := strings.CutPrefix(line, `strangler_overrides_total{result="`); ok {
			found = append(found, strings.Replace(strings.TrimSpace(rest), `"} `, "=", 1))
		}
	}
	return found
}

func borne(value string) http.Header { return http.Header{auth.OverrideHeader: {value}} }

func inCookie(value string) http.Header {
	return http.Header{"Cookie": {"a=b; " + auth.OverrideCookie + "=" + value}}
}

func TestOverridePutsItsBearerOnOneSide(t *testing.T) {
	r := startTester(t, map[string]string{"legacy": named(t, "legacy"), "new": named(t, "new")})
	_, toNew := r.sign(r.keys, "orders", "new", time.Now())
	_, toLegacy := r.sign(r.keys, "orders", "legacy", time.Now())
	_, other := r.sign(r.keys, "carts", "new", time.Now())
	for revision, weight := range []routing.Weight{0, 5000, routing.FullWeight} {
		r.install(routing.Revision(revision+1), canary("/orders", weight), legacyOnly())
		for name, c := range map[string]struct {
			header http.Header
			want   string
		}{
			"header": {borne(toNew), "new"}, "cookie": {inCookie(toNew), "new"}, "back": {borne(toLegacy), "legacy"},
			"after one for another route": {http.Header{auth.OverrideHeader: {other}, "Cookie": inCookie(toNew)["Cookie"]}, "new"},
		} {
			if _, body := r.do("GET", "/orders/1", c.header, nil); body != c.want {
				t.Errorf("%s at %s: %s, want %s", name, weight, body, c.want)
			}
		}
	}
	if got := r.results(); !slices.Equal(got, []string{"obeyed=12", "other_route=3"}) {
		t.Errorf("counted %q", got)
	}
	for _, entry := range r.log.entries(t, 12) {
		if entry["strangler.reason"] != "override" {
			t.Errorf("the access log says %v", entry["strangler.reason"])
		}
		if strings.Contains(fmt.Sprint(entry), toNew[len(toNew)-43:]) {
			t.Error("the access log repeats the override")
		}
	}
}

func TestOverridesThatAreIgnored(t *testing.T) {
	r := startTester(t, map[string]string{"legacy": named(t, "legacy"), "new": named(t, "new")})
	now := time.Now()
	rolledBack := canary("/orders", 0)
	rolledBack.Assigned.RolledBack = true
	oneSided := canary("/orders", 0)
	oneSided.New = ""
	id, value := r.sign(r.keys, "orders", "new", now)
	_, expired := r.sign(r.keys, "orders", "new", now.Add(-2*time.Hour))
	_, other := r.sign(r.keys, "carts", "new", now)
	_, unknown := r.sign(ring(t, "k2", "a"), "orders", "new", now)
	_, forged := r.sign(ring(t, "k1", "b"), "orders", "new", now)
	for i, c := range []struct {
		result string
		value  string
		at     routing.Definition
		revoke []string
	}{
		{"bad_signature", forged, canary("/orders", 0), nil},
		{"expired", expired, canary("/orders", 0), nil},
		{"malformed", "v1.new", canary("/orders", 0), nil},
		{"other_route", other, canary("/orders", 0), nil},
		{"revoked", value, canary("/orders", 0), []string{"another", id}},
		{"suspended", value, rolledBack, nil},
		{"suspended", value, oneSided, nil},
		{"unknown_key", unknown, canary("/orders", 0), nil},
	} {
		r.proxy.SetRevoked(c.revoke)
		r.install(routing.Revision(i+1), c.at, legacyOnly())
		if res, body := r.do("GET", "/orders/1", borne(c.value), nil); res.StatusCode != 200 || body != "legacy" {
			t.Errorf("%s: %d %s, want legacy", c.result, res.StatusCode, body)
		}
	}
	want := []string{"bad_signature=1", "expired=1", "malformed=1", "other_route=1", "revoked=1", "suspended=2", "unknown_key=1"}
	if got := r.results(); !slices.Equal(got, want) {
		t.Errorf("counted %q, want %q", got, want)
	}
}

// A backend must not learn an override, whether or not it counts: it would know
// how to get to a side.
func TestOverridesReachNoBackend(t *testing.T) {
	seen := backend(t, func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if strings.Contains(strings.ToLower(name), "override") || strings.Contains(strings.Join(values, " "), "strangler_override") {
				_, _ = fmt.Fprintf(w, "saw %s: %q", name, values)
			}
		}
		_, _ = io.WriteString(w, strings.Join(r.Header["Cookie"], "|"))
	})
	r := startTester(t, map[string]string{"legacy": seen, "new": seen}, trusting("127.0.0.0/8"))
	r.install(1, canary("/orders", 0), legacyOnly())
	_, value := r.sign(r.keys, "orders", "new", time.Now())
	header := inCookie(value)
	header["Cookie"][0] += ";c=d ; e"
	header["Strangler-Override"], header["Strangler_Override"] = []string{value}, []string{value}
	for _, path := range []string{"/orders/1", "/elsewhere"} {
		if _, body := r.do("GET", path, header, nil); body != "a=b;c=d ; e" {
			t.Errorf("%s: %s", path, body)
		}
	}
}

func TestAsManyOverridesAsAreLookedAt(t *testing.T) {
	r := startTester(t, map[string]string{"legacy": named(t, "legacy"), "new": named(t, "new")})
	r.install(1, canary("/orders", 0), legacyOnly())
	_, value := r.sign(r.keys, "orders", "new", time.Now())
	bad := slices.Repeat([]string{"v1.bad"}, 7)
	if _, body := r.do("GET", "/orders/1", http.Header{auth.OverrideHeader: append(bad, value)}, nil); body != "new" {
		t.Errorf("the eighth: %s, want new", body)
	}
	if _, body := r.do("GET", "/orders/1", http.Header{auth.OverrideHeader: append(bad, "v1.bad", value)}, nil); body != "legacy" {
		t.Errorf("the ninth: %s, want legacy", body)
	}
	if got := r.results(); !slices.Equal(got, []string{"malformed=15", "obeyed=1"}) {
		t.Errorf("counted %q", got)
	}
}

var _ proxy.Overrides = (*auth.OverrideKeys)(nil)

// A shared cache in front would hand the tester's answer to everybody.
func TestAnswersByOverrideAreNotForSharedCaches(t *testing.T) {
	cached := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=60")
	})
	r := startTester(t, map[string]string{"legacy": cached, "new": cached})
	_, toNew := r.sign(r.keys, "orders", "new", time.Now())
	r.install(1, canary("/orders", 0), legacyOnly())
	for want, header := range map[string]http.Header{
		"private, public, max-age=60": borne(toNew), "public, max-age=60": {},
	} {
		res, _ := r.do("GET", "/orders/1", header, nil)
		if got := res.Header["Cache-Control"]; !slices.Equal(got, []string{want}) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
