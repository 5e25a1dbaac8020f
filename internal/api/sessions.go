package api

import (
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
)

// What bounds sessions. A token's oldest session goes first, so that nobody signs
// out the others by signing in often.
const (
	sessionFor       = 12 * time.Hour
	sessionsPerToken = 32
	sessionsInAll    = 1024
)

// session is what a token is for one browser. Neither the token nor what the
// browser holds is kept: both are secrets.
type session struct {
	key     [32]byte // auth.HashSecret of the cookie's value
	token   [32]byte // auth.HashSecret of the token
	expires time.Time
	over    chan struct{} // closed when it has ended
}

// sessions are those of this router. They end with it.
type sessions struct {
	mu   sync.Mutex
	list []*session // the oldest first; guarded by mu
}

// begin makes a session for a token, which expires then; zero: never. value is for
// the cookie, and at least 128 of its bits are random.
func (s *sessions) begin(token [32]byte, expires, now time.Time) (value string, begun *session) {
	value = rand.Text()
	begun = &session{key: auth.HashSecret(value), token: token, expires: now.Add(sessionFor), over: make(chan struct{})}
	if !expires.IsZero() && expires.Before(begun.expires) {
		begun.expires = expires
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(func(other *session) bool { return !now.Before(other.expires) })
	same := 0
	for _, other := range s.list {
		if other.token == token {
			same++
		}
	}
	if same >= sessionsPerToken {
		s.dropFirst(func(other *session) bool { return other.token == token })
	}
	if len(s.list) >= sessionsInAll {
		s.dropFirst(func(*session) bool { return true })
	}
	s.list = append(s.list, begun)
	return value, begun
}

// find returns the session that a cookie's value stands for; nil: there is none.
func (s *sessions) find(value string, now time.Time) *session {
	key := auth.HashSecret(value)
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.list, func(other *session) bool { return other.key == key })
	if i < 0 || !now.Before(s.list[i].expires) {
		return nil
	}
	return s.list[i]
}

// end ends a session. Ending twice does no harm.
func (s *sessions) end(ended *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(func(other *session) bool { return other == ended })
}

// drop ends those that are to go. mu is held.
func (s *sessions) drop(goes func(*session) bool) {
	s.list = slices.DeleteFunc(s.list, func(other *session) bool {
		if !goes(other) {
			return false
		}
		close(other.over)
		return true
	})
}

// dropFirst ends the oldest of those that may go. mu is held.
func (s *sessions) dropFirst(may func(*session) bool) {
	if i := slices.IndexFunc(s.list, may); i >= 0 {
		oldest := s.list[i]
		s.drop(func(other *session) bool { return other == oldest })
	}
}
