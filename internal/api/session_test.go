package api_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
)

// without sends no token.
func without(r *http.Request) { r.Header.Del("Authorization") }

// by sends a session's cookie instead of a token.
func by(cookie *http.Cookie) option {
	return func(r *http.Request) {
		without(r)
		r.AddCookie(cookie)
	}
}

// ownPage is what a browser says of a page of the router's own.
func ownPage(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") }

// signIn makes a session for a token.
func (h *house) signIn(secret string) *http.Cookie {
	h.t.Helper()
	return cookieOf(h.post("/api/v1/session", fmt.Sprintf(`{"token": %q}`, secret), without).want(http.StatusOK))
}

func cookieOf(a *answer) *http.Cookie {
	a.t.Helper()
	cookies := (&http.Response{Header: a.header}).Cookies()
	if len(cookies) != 1 || cookies[0].Name != "strangler_session" {
		a.t.Fatalf("%s: cookies %v", a.what, cookies)
	}
	return cookies[0]
}

// mint puts a token into the store.
func (h *house) mint(name string, role auth.Role, ttl time.Duration) (auth.Token, string) {
	h.t.Helper()
	token, secret, err := auth.Mint(name, role, ttl)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.store.CreateToken(h.t.Context(), token, "test"); err != nil {
		h.t.Fatal(err)
	}
	return token, secret
}

func TestASessionDoesWhatItsTokenDoes(t *testing.T) {
	h := openShop(t)
	cookie := h.signIn(h.secrets[auth.Operator])
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Secure || len(cookie.Value) < 26 {
		t.Errorf("cookie %+v", cookie)
	}
	who := decode[wire.Session](h.get("/api/v1/session", by(cookie)).want(http.StatusOK))
	left := time.Until(*who.Expires)
	if who.Name != "olga" || who.Role != "operator" || who.Instance != "router-1" || who.Version != "test" || left < 11*time.Hour || left > 12*time.Hour {
		t.Errorf("%+v", who)
	}
	if token := decode[wire.Session](h.get("/api/v1/session")); token.Name != "ada" || token.Expires != nil {
		t.Errorf("by a token: %+v", token)
	}
	h.post("/api/v1/routes/orders-get/promote", `{}`, by(cookie), ownPage).want(http.StatusOK)
	if event := decode[[]wire.Event](h.get("/api/v1/events?limit=1", by(cookie)))[0]; event.Actor != "olga" {
		t.Errorf("the actor is %q", event.Actor)
	}
	h.post("/api/v1/apply", shop, yamlBody, by(cookie), ownPage).problem(http.StatusForbidden, "forbidden")
	if strings.Contains(h.log.String(), cookie.Value) {
		t.Error("the log has the session's cookie")
	}
}

func TestTheCookieIsSecureOverTLS(t *testing.T) {
	h := openShop(t)
	r := httptest.NewRequest(http.MethodPost, "https://localhost/api/v1/session", strings.NewReader(fmt.Sprintf(`{"token": %q}`, h.secrets[auth.Viewer])))
	r.Header.Set("Content-Type", "application/json")
	r.TLS = &tls.ConnectionState{}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	if cookies := w.Result().Cookies(); len(cookies) != 1 || !cookies[0].Secure {
		t.Errorf("%d: %v", w.Code, cookies)
	}
}

func TestWhoHasNoTokenIsNotSignedIn(t *testing.T) {
	h := openShop(t)
	former, gone := h.mint("leaver", auth.Admin, 0)
	if err := h.store.RevokeToken(t.Context(), former.ID, "test"); err != nil {
		t.Fatal(err)
	}
	_, stranger, err := auth.Mint("stranger", auth.Admin, 0)
	if err != nil {
		t.Fatal(err)
	}
	for secret, code := range map[string]string{"": "unauthenticated", "guess": "unauthenticated", stranger: "unauthenticated", gone: "token_revoked"} {
		a := h.post("/api/v1/session", fmt.Sprintf(`{"token": %q}`, secret), without)
		a.problem(http.StatusUnauthorized, code)
		if len(a.header.Values("Set-Cookie")) != 0 || secret != "" && strings.Contains(string(a.body), secret) {
			t.Errorf("%q: %v %s", secret, a.header, a.body)
		}
	}
	h.post("/api/v1/session", `{"token": "x", "role": "admin"}`, without).problem(http.StatusBadRequest, "bad_json")
	h.post("/api/v1/session", `token=x`, without, header("Content-Type", "text/plain")).problem(http.StatusUnsupportedMediaType, "wrong_media_type")
	h.post("/api/v1/session", `{"token": "x"}`, without, header("Host", "evil.example")).problem(http.StatusMisdirectedRequest, "misdirected")
	h.store.away.Store(true)
	h.post("/api/v1/session", fmt.Sprintf(`{"token": %q}`, h.secrets[auth.Viewer]), without).problem(http.StatusServiceUnavailable, "store_unavailable")
}

// Denied sign-ins are counted where all others are.
func TestADeniedSignInIsADeniedLogIn(t *testing.T) {
	h := open(t)
	h.post("/api/v1/session", `{"token": "strangler_guess"}`, without).problem(http.StatusUnauthorized, "unauthenticated")
	if !strings.Contains(h.log.String(), "log-in denied") {
		t.Errorf("the log has no word of it:\n%s", h.log)
	}
}

func TestPagesOfOthersChangeNothingByCookie(t *testing.T) {
	h := openShop(t)
	cookie := h.signIn(h.secrets[auth.Admin])
	pause := "/api/v1/routes/orders-get/pause"
	for _, from := range []option{
		header("Sec-Fetch-Site", "cross-site"), header("Sec-Fetch-Site", "same-site"),
		header("Origin", "https://evil.example"), header("Origin", "null"),
	} {
		h.post(pause, `{}`, by(cookie), from).problem(http.StatusForbidden, "cross_origin")
		h.post("/api/v1/session", `{"token": "x"}`, without, from).problem(http.StatusForbidden, "cross_origin")
		h.delete("/api/v1/session", by(cookie), from).problem(http.StatusForbidden, "cross_origin")
	}
	h.post(pause, `{}`, by(cookie)).problem(http.StatusForbidden, "no_origin")
	if revision := h.router.Snapshot().Revision; revision != 1 {
		t.Errorf("revision %d: something was changed", revision)
	}
	h.post(pause, `{}`, by(cookie), header("Origin", h.server.URL)).want(http.StatusOK)
	h.post(pause, `{}`).want(http.StatusOK)
}

func TestSigningOutEndsTheSession(t *testing.T) {
	h := openShop(t)
	cookie, other := h.signIn(h.secrets[auth.Viewer]), h.signIn(h.secrets[auth.Viewer])
	if gone := cookieOf(h.delete("/api/v1/session", by(cookie), ownPage).want(http.StatusNoContent)); gone.MaxAge >= 0 || gone.Value != "" {
		t.Errorf("the cookie stays: %+v", gone)
	}
	h.get("/api/v1/routes", by(cookie)).problem(http.StatusUnauthorized, "session_ended")
	h.delete("/api/v1/session", by(cookie), ownPage).problem(http.StatusUnauthorized, "session_ended")
	h.get("/api/v1/routes", by(other)).want(http.StatusOK)
	h.delete("/api/v1/session").want(http.StatusNoContent) // a token stays in force
	h.get("/api/v1/routes").want(http.StatusOK)
	again := cookieOf(h.post("/api/v1/session", fmt.Sprintf(`{"token": %q}`, h.secrets[auth.Admin]), by(other)).want(http.StatusOK))
	h.get("/api/v1/routes", by(other)).problem(http.StatusUnauthorized, "session_ended")
	h.get("/api/v1/routes", by(&http.Cookie{Name: "strangler_session", Value: "of another program"}), func(r *http.Request) { r.AddCookie(again) }).want(http.StatusOK)
	for _, value := range []string{"", "guess", strings.Repeat("x", 4000)} {
		h.get("/api/v1/routes", by(&http.Cookie{Name: "strangler_session", Value: value})).problem(http.StatusUnauthorized, "session_ended")
	}
}

func TestASessionEndsWithItsToken(t *testing.T) {
	t.Parallel()
	h := openShop(t)
	_, brief := h.mint("brief", auth.Viewer, 2*time.Second)
	token, secret := h.mint("leaver", auth.Viewer, 0)
	short, cookie := h.signIn(brief), h.signIn(secret)
	if age := short.MaxAge; age < 0 || age > 2 {
		t.Errorf("the cookie of a token that expires in 2 s is kept for %d s", age)
	}
	if err := h.store.RevokeToken(t.Context(), token.ID, "test"); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, func() bool { return h.get("/api/v1/session", by(cookie)).status == http.StatusUnauthorized })
	h.get("/api/v1/session", by(cookie)).problem(http.StatusUnauthorized, "session_ended")
	h.get("/api/v1/session", by(short)).problem(http.StatusUnauthorized, "session_ended")
}

// Who signs in often signs out nobody else.
func TestTheOldestSessionOfATokenGoesFirst(t *testing.T) {
	h := openShop(t)
	other := h.signIn(h.secrets[auth.Admin])
	var cookies []*http.Cookie
	for range 33 {
		cookies = append(cookies, h.signIn(h.secrets[auth.Viewer]))
	}
	h.get("/api/v1/session", by(cookies[0])).problem(http.StatusUnauthorized, "session_ended")
	for _, kept := range []*http.Cookie{cookies[1], cookies[32], other} {
		h.get("/api/v1/session", by(kept)).want(http.StatusOK)
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, within time.Duration, so func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it did not come about in %s", within)
		}
	}
}
