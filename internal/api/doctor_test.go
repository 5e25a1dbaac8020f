package api_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api"
	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

func doctor(h *house) []string {
	h.t.Helper()
	var found []string
	for _, c := range decode[[]wire.Check](h.get("/api/v1/doctor").want(http.StatusOK)) {
		if c.Message == "" || (c.Level == wire.CheckLevelFail && c.Hint == "") {
			h.t.Errorf("%+v says too little", c)
		}
		found = append(found, fmt.Sprintf("%s %s %s", c.Group, c.Code, c.Level))
	}
	return found
}

// reachable makes the endpoints of the shop reachable, but for those on port.
func reachable(not string) func(*api.Config) {
	return func(c *api.Config) {
		c.Reach = func(_ context.Context, _ spec.Backend, endpoint string) error {
			if not != "" && strings.HasSuffix(endpoint, not) {
				return errors.New("connection refused")
			}
			return nil
		}
	}
}

func TestDoctorFindsNothingWrong(t *testing.T) {
	h := openShop(t, reachable(""))
	want := []string{
		"store store_reachable ok",
		"backends endpoint_reachable ok", "backends endpoint_reachable ok", "backends endpoint_reachable ok",
		"routes routes_valid ok", "instances instances_current ok",
	}
	if diff := cmp.Diff(want, doctor(h)); diff != "" {
		t.Error(diff)
	}
}

func TestDoctorDialsEndpointsForReal(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := closed.Addr().String()
	_ = closed.Close()
	h := open(t)
	h.post("/api/v1/apply", fmt.Sprintf("backends:\n- name: b\n  endpoints: [http://%s, http://%s]\n", listener.Addr(), gone), yamlBody).want(http.StatusOK)
	levels := make(map[string]wire.CheckLevel)
	for _, c := range decode[[]wire.Check](h.get("/api/v1/doctor").want(http.StatusOK)) {
		if address := strings.Fields(strings.TrimPrefix(c.Message, "b: http://"))[0]; c.Group == wire.CheckGroupBackends {
			levels[strings.TrimSuffix(address, ":")] = c.Level
		}
	}
	want := map[string]wire.CheckLevel{listener.Addr().String(): wire.CheckLevelOk, gone: wire.CheckLevelFail}
	if diff := cmp.Diff(want, levels); diff != "" {
		t.Error(diff)
	}
}

// A backend whose certificate nobody here trusts takes connections, and every
// request to it is answered with 502.
func TestDoctorShakesHands(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer secure.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	h := open(t)
	h.post("/api/v1/apply", fmt.Sprintf(`
backends:
  - {name: known, endpoints: [%[1]q], tls: {ca: %[3]s}}
  - {name: misnamed, endpoints: [%[1]q], tls: {ca: %[3]s, server_name: other.example}}
  - {name: plain, endpoints: [%[2]q]}
  - {name: unknown, endpoints: [%[1]q]}
`, secure.URL, strings.Replace(plain.URL, "http:", "https:", 1), authority), yamlBody).want(http.StatusOK)
	var found []string
	for _, c := range decode[[]wire.Check](h.get("/api/v1/doctor").want(http.StatusOK)) {
		if name, _, _ := strings.Cut(c.Message, ":"); strings.HasPrefix(c.Code, "endpoint_") {
			hint, _, _ := strings.Cut(c.Hint, ":")
			found = append(found, strings.Join([]string{name, c.Code, string(c.Level), hint}, " "))
		}
	}
	const mend = "every request to it fails"
	want := []string{
		"known endpoint_reachable ok ",
		"misnamed endpoint_untrusted fail " + mend,
		"plain endpoint_unreachable fail if it speaks plain HTTP, begin its address with http",
		"unknown endpoint_untrusted fail " + mend,
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	h := openShop(t, reachable(":4001"))
	h.post("/api/v1/routes/orders-get/promote", `{"to": "25%"}`).want(http.StatusOK)
	h.router.serve(routing.Compile(2, []routing.Definition{{Name: "orders-post", Match: routing.Match{Path: "orders"}, Legacy: "monolith"}}))
	h.router.stand(nil, fleet.Status{
		Reachable: true, FromFile: true, ConfirmedAt: time.Now(), Alarm: errors.New("the store went back"), ListenError: fleet.ErrDeaf,
	})
	h.store.instances = []fleet.Instance{
		{Name: "a", Revision: 2, Age: time.Second, Version: "test"},
		{Name: "b", Revision: 1, Age: 59 * time.Second, Version: "test"},
		{Name: "c", Revision: 2, Age: 60 * time.Second, Version: "test"},
		{Name: "d", Revision: 1, Age: time.Hour, SignedOff: true, Version: "test"},
		{Name: "e", Age: time.Second, Version: "test"},
	}
	want := []string{
		"store store_reachable ok", "store store_alarm fail", "store served_from_file warn", "store no_notifications warn",
		"backends endpoint_reachable ok", "backends endpoint_reachable ok", "backends endpoint_unreachable fail",
		"routes route_invalid fail", "routes group_apart warn",
		"instances instance_behind warn", "instances instance_silent warn", "instances instance_apart warn",
	}
	if diff := cmp.Diff(want, doctor(h)); diff != "" {
		t.Error(diff)
	}
	for _, c := range decode[[]wire.Check](h.get("/api/v1/doctor")) {
		if c.Code == "group_apart" && c.Message != "the routes of group visitors are apart: 0%: orders-list; 25%: orders-get" {
			t.Errorf("%+v", c)
		}
		if c.Code == "no_notifications" && c.Message != "changes are found by polling, within two seconds: notifications do not reach this connection" {
			t.Errorf("%+v", c)
		}
	}
	var states []string
	for _, i := range decode[[]wire.Instance](h.get("/api/v1/instances").want(http.StatusOK)) {
		states = append(states, fmt.Sprintf("%s %s %d %.0f", i.Instance, i.State, i.Revision, i.AgeS))
	}
	if diff := cmp.Diff([]string{"a serving 2 1", "b serving 1 59", "c silent 2 60", "d signed_off 1 3600", "e serving 0 1"}, states); diff != "" {
		t.Error(diff)
	}
}

func TestDoctorComparesTheKeysOfOverrides(t *testing.T) {
	h := openShop(t, reachable(""))
	fleetOf := func(keys ...[]string) {
		h.store.instances = nil
		for i, ids := range keys {
			h.store.instances = append(h.store.instances, fleet.Instance{Name: string(rune('a' + i)), Revision: 1, Version: "test", OverrideKeys: ids})
		}
	}
	said := func() string {
		t.Helper()
		for _, c := range decode[[]wire.Check](h.get("/api/v1/doctor").want(http.StatusOK)) {
			if c.Code == "override_keys_differ" {
				if c.Level != wire.CheckLevelWarn || !strings.Contains(c.Hint, "STRANGLER_OVERRIDE_KEYS") {
					t.Errorf("%+v", c)
				}
				return c.Message
			}
		}
		return ""
	}
	fleetOf([]string{"k1", "k2"}, []string{"k2", "k1"}, nil) // the third is of an older version, and does not say
	if got := said(); got != "" {
		t.Errorf("the same keys: %q", got)
	}
	fleetOf([]string{"k2", "k1"}, []string{"k1"}, []string{})
	h.store.instances = append(h.store.instances, fleet.Instance{Name: "gone", Age: time.Hour, Version: "test", OverrideKeys: []string{"k9"}})
	if got, want := said(), "not every router believes the same overrides; their keys are a: k1, k2; b: k1; c: none"; got != want {
		t.Errorf("different keys: %q, want %q", got, want)
	}
	list := decode[[]wire.Instance](h.get("/api/v1/instances").want(http.StatusOK))
	if got := *list[0].OverrideKeys; strings.Join(got, " ") != "k2 k1" || len(*list[2].OverrideKeys) != 0 {
		t.Errorf("instances %+v", list)
	}
}

func TestDoctorComparesTheKeysThatHideValues(t *testing.T) {
	h := openShop(t, reachable(""))
	for name, c := range map[string]struct {
		keys [][]string
		want string
	}{
		"alike":               {keys: [][]string{{"r1"}, {"r1"}}},
		"not needed so far":   {keys: [][]string{{"r1"}, {}, nil}},
		"alike where in use":  {keys: [][]string{{"r2", "r1"}, {"r2"}}},
		"different":           {keys: [][]string{{"r1"}, {"r2"}}, want: "a hidden value has another hash on every router; their keys are a: r1; b: r2"},
		"during a change":     {keys: [][]string{{"r2", "r1"}, {"r1", "r2"}}, want: "a hidden value has another hash on every router; their keys are a: r2; b: r1"},
		"different where one": {keys: [][]string{{"r1"}, {}, {"r3"}}, want: "a hidden value has another hash on every router; their keys are a: r1; c: r3"},
	} {
		h.store.instances = nil
		for i, ids := range c.keys {
			h.store.instances = append(h.store.instances, fleet.Instance{Name: string(rune('a' + i)), Revision: 1, Version: "test", RedactionKeys: ids})
		}
		got := ""
		for _, check := range decode[[]wire.Check](h.get("/api/v1/doctor").want(http.StatusOK)) {
			if check.Code == "redaction_keys_differ" {
				got = check.Message
				if check.Level != wire.CheckLevelWarn || !strings.Contains(check.Hint, "STRANGLER_REDACTION_KEYS") {
					t.Errorf("%s: %+v", name, check)
				}
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestDoctorMissesACatchAll(t *testing.T) {
	h := openShop(t, reachable(""))
	h.put("/api/v1/routes/beta", `{"name": "beta", "match": {"prefix": "/", "headers": [{"name": "X-Beta"}]}, "legacy": "monolith"}`, header("If-None-Match", "*")).want(http.StatusOK)
	h.delete("/api/v1/routes/everything").want(http.StatusOK)
	if found := doctor(h); !slices.Contains(found, "routes no_catch_all warn") || slices.Contains(found, "routes routes_valid ok") {
		t.Errorf("found %v", found)
	}
}

func TestDoctorWorksWhenTheStoreIsAway(t *testing.T) {
	h := openShop(t, reachable(""))
	h.get("/api/v1/status").want(http.StatusOK)
	h.store.away.Store(true)
	want := []string{
		"store store_unreachable fail",
		"backends endpoint_reachable ok", "backends endpoint_reachable ok", "backends endpoint_reachable ok",
		"routes routes_valid ok", "instances instances_unknown warn",
	}
	if diff := cmp.Diff(want, doctor(h)); diff != "" {
		t.Error(diff)
	}
}

func TestOneDoctorExaminesAtATime(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	h := open(t, func(c *api.Config) {
		c.Reach = func(context.Context, spec.Backend, string) error {
			entered <- struct{}{}
			<-leave
			return errors.New("refused")
		}
	})
	h.post("/api/v1/apply", "backends:\n- name: b\n  endpoints: [http://127.0.0.1:1]\n", yamlBody).want(http.StatusOK)
	first := make(chan *answer)
	go func() { first <- h.get("/api/v1/doctor") }()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/api/v1/doctor", nil)
	r.Header.Set("Authorization", "Bearer "+h.secrets[auth.Viewer])
	second := make(chan *httptest.ResponseRecorder)
	go func() {
		w := httptest.NewRecorder()
		h.handler.ServeHTTP(w, r)
		second <- w
	}()
	cancel()
	if w := <-second; w.Body.Len() != 0 {
		t.Errorf("the second was examined: %s", w.Body)
	}
	close(leave)
	(<-first).want(http.StatusOK)
}

func TestHeartbeatsMakeInstances(t *testing.T) {
	h := open(t)
	if err := h.store.Heartbeat(t.Context(), fleet.Instance{Name: "router-1", Revision: 7, Version: "test", StartedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	list := decode[[]wire.Instance](h.get("/api/v1/instances").want(http.StatusOK))
	if len(list) != 1 || list[0].Instance != "router-1" || list[0].Revision != 7 || list[0].State != wire.InstanceStateServing || list[0].AgeS > 30 {
		t.Errorf("%+v", list)
	}
}

func TestDoctorLooksAtTheFilesOfBackends(t *testing.T) {
	h := open(t, reachable(""), func(c *api.Config) {
		c.BackendTLS = func(b spec.Backend) error {
			if b.TLS.CA == "/etc/gone.pem" {
				return errors.New("stat /etc/gone.pem: no such file or directory")
			}
			return nil
		}
	})
	h.post("/api/v1/apply", `
backends:
  - {name: a, endpoints: ["https://a.example"], tls: {ca: /etc/there.pem}}
  - {name: b, endpoints: ["https://b.example"], tls: {ca: /etc/gone.pem}}
  - {name: c, endpoints: ["https://c.example"]}
`, yamlBody).want(http.StatusOK)
	var found []string
	for _, c := range decode[[]wire.Check](h.get("/api/v1/doctor").want(http.StatusOK)) {
		if strings.HasPrefix(c.Code, "tls_") {
			found = append(found, fmt.Sprintf("%s %s %s", c.Code, c.Level, c.Message))
		}
	}
	want := []string{
		"tls_usable ok a: what its tls names can be used",
		"tls_unusable fail b: stat /etc/gone.pem: no such file or directory",
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}
