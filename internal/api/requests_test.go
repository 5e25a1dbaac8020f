package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/api"
	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

func TestWhatIsNotThereIsAProblemToo(t *testing.T) {
	h := openShop(t)
	for _, path := range []string{"/", "/api/v1", "/api/v2/routes", "/api/v1/routes/", "/api/v1/routes/a/b", "/api/v1//routes", "/api/v1/routes/%2e%2e"} {
		code := "no_such_operation"
		if path == "/api/v1/routes/%2e%2e" {
			code = "unknown_route"
		}
		h.get(path).problem(http.StatusNotFound, code)
	}
	for path, allow := range map[string]string{
		"/api/v1/routes":                    "GET, HEAD",
		"/api/v1/routes/orders-get":         "GET, HEAD, PUT, DELETE",
		"/api/v1/routes/orders-get/promote": "POST",
	} {
		answer := h.call(http.MethodPatch, path, "")
		if p := answer.problem(http.StatusMethodNotAllowed, "wrong_method"); answer.header.Get("Allow") != allow || !strings.Contains(p.Detail, allow) {
			t.Errorf("%s: Allow %q, want %q", path, answer.header.Get("Allow"), allow)
		}
	}
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	h := openShop(t)
	answer := h.call(http.MethodHead, "/api/v1/routes/orders-get", "").want(http.StatusOK)
	if len(answer.body) != 0 || answer.header.Get("ETag") != `"1"` {
		t.Errorf("%v %q", answer.header, answer.body)
	}
	h.call(http.MethodHead, "/livez", "", header("Authorization", "")).want(http.StatusOK)
}

func TestABodyIsReadStrictly(t *testing.T) {
	h := openShop(t)
	promote := "/api/v1/routes/orders-get/promote"
	for body, what := range map[string]string{
		`{"weight": 5}`:          `unknown field \"weight\"`,
		`{"to": 25}`:             "cannot unmarshal number",
		`{"to": "25%"} {}`:       "after the end",
		`{"to": "25%"`:           "unexpected EOF",
		`to=25`:                  "invalid character",
		`{"to": "25%", "to": 1}`: "cannot unmarshal number",
	} {
		answer := h.post(promote, body)
		if answer.problem(http.StatusBadRequest, "bad_json"); !strings.Contains(string(answer.body), what) {
			t.Errorf("%s: %s, want %q", body, answer.body, what)
		}
	}
	for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json"} {
		h.post(promote, `{"to": "25%"}`, header("Content-Type", media)).problem(http.StatusUnsupportedMediaType, "wrong_media_type")
		h.post("/api/v1/apply", shop, header("Content-Type", media)).problem(http.StatusUnsupportedMediaType, "wrong_media_type")
	}
	h.post(promote+"?dry_run=maybe", "").problem(http.StatusBadRequest, "bad_parameter")
	h.post(promote, `{"to": "25%"}`, header("Content-Type", "application/json; charset=utf-8")).want(http.StatusOK)
}

func TestAReasonIsOneLineOfText(t *testing.T) {
	h := openShop(t)
	for _, reason := range []string{`x\r\nSet-Cookie: a=b`, `a\nb`, `\u0000`, `\u001b[31m`, `\u0085`, strings.Repeat("r", 2001)} {
		p := h.post("/api/v1/routes/orders-get/pause", `{"reason": "`+reason+`"}`).problem(http.StatusBadRequest, "bad_reason")
		if !strings.Contains(p.Detail, "nothing was changed") {
			t.Errorf("%q: %+v", reason, p)
		}
	}
	h.post("/api/v1/rollback", `{"reason": "a\nb"}`).problem(http.StatusBadRequest, "bad_reason")
	h.delete("/api/v1/routes/orders-post?reason=a%0d%0ab").problem(http.StatusBadRequest, "bad_reason")
	for _, c := range []string{"\u202e", "\u2066", "\u2028"} {
		h.post("/api/v1/routes/orders-get/pause", `{"reason": "a`+c+`b"}`).problem(http.StatusBadRequest, "bad_reason")
	}
	h.delete("/api/v1/routes/orders-post?reason=%ff").problem(http.StatusBadRequest, "bad_reason")
	h.post("/api/v1/apply?filename=a%0ab", shop, yamlBody).problem(http.StatusBadRequest, "bad_filename")
	h.post("/api/v1/routes/orders-get/pause", `{"reason": "schön <b>&amp;</b> 🌿"}`).want(http.StatusOK)
	if hold := decode[wire.RouteDetail](h.get("/api/v1/routes/orders-get")).Hold; hold.Reason != "schön <b>&amp;</b> 🌿" {
		t.Errorf("reason %q", hold.Reason)
	}
}

func TestHostileNamesAreHarmless(t *testing.T) {
	h := openShop(t)
	for _, name := range []string{"%3Cimg%20onerror%3E", "a%0d%0ab", "a%00b", "%ff", strings.Repeat("x", 5000), "..%2f..%2fetc"} {
		answer := h.get("/api/v1/routes/" + name)
		answer.want(http.StatusNotFound)
		if bytes.ContainsAny(answer.body, "<>\r\n\x00") || answer.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v %q", name, answer.header, answer.body)
		}
	}
	for _, name := range []string{"%3Cimg%20onerror%3E", "a%0d%0ab", "a%00b", "%ff"} {
		h.put("/api/v1/backends/"+name, `{"endpoints": ["http://127.0.0.1:1"]}`, header("If-None-Match", "*")).
			problem(http.StatusUnprocessableEntity, "invalid_definitions")
	}
	if strings.Contains(h.log.String(), "<img onerror>\n") || strings.Contains(h.log.String(), "a\r\nb") {
		t.Errorf("the log took a name as it is:\n%s", h.log)
	}
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	h := openShop(t)
	large := "# " + strings.Repeat("x", 4<<20)
	h.post("/api/v1/apply", large, yamlBody).problem(http.StatusRequestEntityTooLarge, "too_large")
	h.post("/api/v1/routes/orders-get/pause", `{"reason": "`+large+`"}`).problem(http.StatusRequestEntityTooLarge, "too_large")
	fits := shop + "# " + strings.Repeat("x", 4<<20-len(shop)-2)
	h.post("/api/v1/apply", fits, yamlBody).want(http.StatusOK)
}

func TestTheNameInTheAddressHasToBeOurs(t *testing.T) {
	h := open(t, func(c *api.Config) { c.Hosts = []string{"Admin.Shop.Example"} })
	for _, host := range []string{"localhost", "LOCALHOST:9900", "127.0.0.1", "127.0.0.53:80", "[::1]:9900", "admin.shop.example", "admin.shop.example.:443"} {
		h.get("/api/v1/status", header("Host", host)).want(http.StatusOK)
	}
	for _, host := range []string{"evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1", "shop.example"} {
		if p := h.get("/api/v1/status", header("Host", host)).problem(http.StatusMisdirectedRequest, "misdirected"); !strings.Contains(p.Detail, host) {
			t.Errorf("%s: %+v", host, p)
		}
		h.get("/livez", header("Host", host)).want(http.StatusOK)
	}
}

func TestTheAddressAConnectionCameToIsOurs(t *testing.T) {
	h := open(t)
	here := context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP("192.0.2.10"), Port: 9900})
	for host, want := range map[string]int{
		"192.0.2.10:9900": http.StatusOK, "[::ffff:192.0.2.10]:9900": http.StatusOK,
		"192.0.2.11:9900": http.StatusMisdirectedRequest, "": http.StatusMisdirectedRequest,
	} {
		r := httptest.NewRequestWithContext(here, http.MethodGet, "/api/v1/status", nil)
		r.Host = host
		r.Header.Set("Authorization", "Bearer "+h.secrets[auth.Viewer])
		w := httptest.NewRecorder()
		h.handler.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d, want %d", host, w.Code, want)
		}
	}
}

func TestPagesOfOtherSitesChangeNothing(t *testing.T) {
	h := openShop(t)
	for _, o := range []option{header("Sec-Fetch-Site", "cross-site"), header("Origin", "https://evil.example")} {
		h.post("/api/v1/routes/orders-get/promote", "", o).problem(http.StatusForbidden, "cross_origin")
	}
	h.post("/api/v1/routes/orders-get/promote", "", header("Sec-Fetch-Site", "same-origin")).want(http.StatusOK)
	answer := h.get("/api/v1/routes", header("Origin", "https://evil.example")).want(http.StatusOK)
	for name := range answer.header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("the answer has %s", name)
		}
	}
	if answer.header.Get("Cache-Control") != "no-store" || answer.header.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" {
		t.Errorf("%v", answer.header)
	}
}

func TestAPanicIsAProblemAndTheNextRequestIsServed(t *testing.T) {
	h := openShop(t, func(c *api.Config) { c.Mover = broken{} })
	p := h.post("/api/v1/routes/orders-get/promote", "").problem(http.StatusInternalServerError, "internal")
	if strings.Contains(p.Detail, "secret") || !strings.Contains(h.log.String(), "the secret of the panic") {
		t.Errorf("%+v\n%s", p, h.log)
	}
	h.get("/api/v1/routes").want(http.StatusOK)
}

// broken is a Mover that fails in a way nobody foresaw.
type broken struct{ api.Mover }

func (broken) Do(context.Context, string, rollout.Command, *routing.Revision) (rollout.Result, error) {
	panic("the secret of the panic")
}

func TestAStoreThatGivesNoAnswerLeavesTheOutcomeOpen(t *testing.T) {
	for _, err := range []error{context.DeadlineExceeded, fmt.Errorf("%w: commit: broken pipe", rollout.ErrUncertain)} {
		h := openShop(t, func(c *api.Config) { c.Mover = mute{err: err} })
		p := h.post("/api/v1/routes/orders-get/promote", "").problem(http.StatusGatewayTimeout, "outcome_unknown")
		if strings.Contains(p.Detail, "nothing was changed") || !strings.Contains(p.Detail, "not known; traffic keeps flowing by revision 1") {
			t.Errorf("%v: %+v", err, p)
		}
	}
}

// mute is a Mover whose store does not answer.
type mute struct {
	api.Mover
	err error
}

func (m mute) Do(context.Context, string, rollout.Command, *routing.Revision) (rollout.Result, error) {
	return rollout.Result{}, m.err
}

func TestTheLogNamesOperationAndActorAndNoSecret(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/promote?token=hush", "", as(h.secrets[auth.Operator])).want(http.StatusOK)
	log := h.log.String()
	if !strings.Contains(log, "operation=PromoteRoute method=POST path=/api/v1/routes/orders-get/promote status=200") || !strings.Contains(log, "actor=olga") {
		t.Errorf("log:\n%s", log)
	}
	for _, secret := range []string{"hush", "strangler_"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q:\n%s", secret, log)
		}
	}
}

func TestTheDocumentIsServedAsItIs(t *testing.T) {
	h := open(t)
	want, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if answer := h.get("/api/v1/openapi.yaml").want(http.StatusOK); string(answer.body) != string(want) {
		t.Errorf("%d bytes, want %d", len(answer.body), len(want))
	}
	if body := string(h.get("/metrics", as(h.secrets[auth.Viewer])).want(http.StatusOK).body); body != "strangler_config_revision 1\n" {
		t.Errorf("metrics %q", body)
	}
	if body := string(h.get("/readyz").want(http.StatusOK).body); body != "ready\n" {
		t.Errorf("readyz %q", body)
	}
}

func TestNewRefusesAConfigThatLacksSomething(t *testing.T) {
	handler, err := api.New(api.Config{})
	if !errors.Is(err, api.ErrConfig) || !strings.Contains(err.Error(), "Config.Catalog") || handler != nil {
		t.Errorf("New = %v, %v, want ErrConfig", handler, err)
	}
}

func TestAClientThatLeftIsToldNothing(t *testing.T) {
	h := openShop(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/api/v1/routes", nil)
	r.Header.Set("Authorization", "Bearer "+h.secrets[auth.Viewer])
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	if w.Body.Len() != 0 || strings.Contains(h.log.String(), "level=ERROR") {
		t.Errorf("%d %s\n%s", w.Code, w.Body, h.log)
	}
}
