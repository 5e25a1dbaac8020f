package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
)

// maxBody bounds every request body, in bytes. 10,000 routes are about half of it.
const maxBody = 4 << 20

// caller is what a request is known by while it runs.
type caller struct{ identity auth.Identity }

type callerKey struct{}

// know notes who sent a request.
func know(r *http.Request, identity auth.Identity) {
	if who, ok := r.Context().Value(callerKey{}).(*caller); ok {
		who.identity = identity
	}
}

// sender returns who sent a request; nobody, when none has looked.
func sender(r *http.Request) auth.Identity {
	if who, ok := r.Context().Value(callerKey{}).(*caller); ok {
		return who.identity
	}
	return auth.Identity{}
}

// actor returns the name under which the request's changes are recorded.
func actor(r *http.Request) string { return sender(r).Name }

// role returns what the request's token may do; empty: nobody has looked.
func role(r *http.Request) auth.Role { return sender(r).Role }

// hardened adds what every answer carries, and keeps other sites' pages from
// calling with a browser's credentials.
func (s *server) hardened(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(s.logged("CrossOrigin", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, crossOrigin())
	})))
	protected := origin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		protected.ServeHTTP(w, r)
	})
}

// logged writes one line per request, and turns a panic into a problem.
// Changes and errors are logged at the usual level, reads at debug. The query
// is left out: it may hold what nobody wants in a log.
func (s *server) logged(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		who := &caller{}
		r = r.WithContext(context.WithValue(r.Context(), callerKey{}, who))
		out := &recorder{ResponseWriter: w}
		s.guarded(out, r, next)
		level := slog.LevelInfo
		if safe := r.Method == http.MethodGet || r.Method == http.MethodHead; safe && out.status < http.StatusBadRequest {
			level = slog.LevelDebug
		}
		s.Logger.Log(r.Context(), level, "admin request", "operation", name, "method", r.Method, "path", r.URL.Path,
			"status", out.status, "duration", time.Since(start), "actor", who.identity.Name, "from", r.RemoteAddr)
	})
}

// guarded runs next, and answers for it when it panics.
func (s *server) guarded(out *recorder, r *http.Request, next http.Handler) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if cause == http.ErrAbortHandler { //nolint:errorlint // a sentinel that is panicked with as it is
			panic(cause)
		}
		s.Logger.Error("an admin request panicked", "cause", cause, "stack", string(debug.Stack()))
		if out.status == 0 {
			s.fail(out, r, s.internal(fmt.Errorf("panic: %v", cause)))
		}
	}()
	next.ServeHTTP(out, r)
}

// authenticated lets a request pass whose token, or whose session's, has at least role.
func (s *server) authenticated(role auth.Role, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		identity, err := s.identify(r)
		if err == nil {
			err = sameOrigin(r)
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		know(r, identity)
		if !identity.Role.Allows(role) {
			s.fail(w, r, forbidden(identity, role))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limited bounds the body.
func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int // 0: nothing was written yet
}

// WriteHeader notes the status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write notes the status that goes without saying.
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
