package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
)

// sessionCookie holds the value of a session. Cookies know no ports: of two routers
// at one host name, a browser is signed in to one at a time.
const sessionCookie = "strangler_session"

// cookiesPerRequest is how many cookies of that name are looked at: another program
// of this host may have set one as well.
const cookiesPerRequest = 4

// CreateSession signs a browser in.
func (s *server) CreateSession(w http.ResponseWriter, r *http.Request) {
	var body wire.SessionRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	secret := strings.TrimSpace(body.Token)
	identity, err := s.Tokens.Verify(r.Context(), secret, r.RemoteAddr)
	if err != nil {
		s.fail(w, r, notSignedIn(err))
		return
	}
	know(r, identity)
	if former := s.session(r); former != nil {
		s.sessions.end(former)
	}
	now := time.Now()
	value, begun := s.sessions.begin(auth.HashSecret(secret), identity.Expires, now)
	setCookie(w, r, value, int(begun.expires.Sub(now).Seconds()))
	identity.Expires = begun.expires
	s.writeJSON(w, r, s.wireSession(identity))
}

// notSignedIn says what to do about a token that is none, where a browser asked.
func notSignedIn(err error) error {
	if !errors.Is(err, auth.ErrDenied) || errors.Is(err, auth.ErrExpired) || errors.Is(err, auth.ErrRevoked) {
		return err
	}
	return newProblem(http.StatusUnauthorized, "unauthenticated", "This token is not known.", err.Error(),
		"paste the whole token; `strangler token create` makes one")
}

// GetSession says who is signed in.
func (s *server) GetSession(w http.ResponseWriter, r *http.Request) {
	s.writeJSON(w, r, s.wireSession(sender(r)))
}

// EndSession signs a browser out.
func (s *server) EndSession(w http.ResponseWriter, r *http.Request) {
	if ended := s.session(r); ended != nil {
		s.sessions.end(ended)
		setCookie(w, r, "", -1)
	}
	w.WriteHeader(http.StatusNoContent)
}

// identify says who sent a request: by its token, or else by its session's, which
// is looked up as a token is. A session whose token is in force no more ends.
func (s *server) identify(r *http.Request) (auth.Identity, error) {
	authorization := r.Header.Get("Authorization")
	if authorization != "" || len(r.CookiesNamed(sessionCookie)) == 0 {
		return s.Tokens.Verify(r.Context(), auth.Bearer(authorization), r.RemoteAddr)
	}
	session := s.session(r)
	if session == nil {
		return auth.Identity{}, sessionEnded()
	}
	identity, err := s.Tokens.Recheck(r.Context(), session.token)
	if errors.Is(err, auth.ErrDenied) {
		s.sessions.end(session)
	}
	if err != nil {
		return auth.Identity{}, err
	}
	identity.Expires = session.expires
	return identity, nil
}

// session returns the session that a request's cookie stands for; nil: none.
func (s *server) session(r *http.Request) *session {
	cookies := r.CookiesNamed(sessionCookie)
	for _, cookie := range cookies[:min(len(cookies), cookiesPerRequest)] {
		if found := s.sessions.find(cookie.Value, time.Now()); found != nil {
			return found
		}
	}
	return nil
}

func sessionEnded() *problem {
	return newProblem(http.StatusUnauthorized, "session_ended", "The session has ended.",
		"it is over, or this router was started anew since; nothing was changed", "sign in again")
}

// sameOrigin refuses changes by cookie that do not say from which page they come.
// Every browser says it, and http.CrossOriginProtection has judged what it says;
// who is no browser has a token.
func sameOrigin(r *http.Request) error {
	switch {
	case r.Method == http.MethodGet, r.Method == http.MethodHead, r.Header.Get("Authorization") != "":
	case len(r.CookiesNamed(sessionCookie)) == 0:
	case r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "":
		return newProblem(http.StatusForbidden, "no_origin", "It cannot be told which page sent this.",
			"a change by cookie needs the header Sec-Fetch-Site or Origin; nothing was changed",
			"send the header Authorization: Bearer <token> instead of the cookie")
	}
	return nil
}

// setCookie sets the cookie of a session, or with a negative age removes it. Its age
// is told, not its end: the browser's clock may be wrong.
func setCookie(w http.ResponseWriter, r *http.Request, value string, age int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // without TLS no browser would send a Secure one back
		Name: sessionCookie, Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
}

func (s *server) wireSession(who auth.Identity) wire.Session {
	answer := wire.Session{Name: who.Name, Role: wire.Role(who.Role), Instance: s.Instance, Version: s.Version}
	if !who.Expires.IsZero() {
		expires := who.Expires.UTC()
		answer.Expires = &expires
	}
	return answer
}
