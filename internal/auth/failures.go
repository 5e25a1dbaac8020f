package auth

import (
	"log/slog"
	"sync"
	"time"
)

// failureEvery is how often a denied log-in is written to the log; the others
// in between are only counted, so that guessing cannot fill a disk.
const failureEvery = time.Second

// failureLog writes denied log-ins to the log, at a bounded rate.
type failureLog struct {
	logger *slog.Logger

	mu         sync.Mutex
	next       time.Time // guarded by mu
	suppressed int       // guarded by mu
}

func newFailureLog(logger *slog.Logger) *failureLog {
	return &failureLog{logger: logger}
}

func (l *failureLog) report(err error, from string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Before(l.next) {
		l.suppressed++
		return
	}
	l.logger.Warn("log-in denied", "error", err, "from", from, "suppressed", l.suppressed)
	l.next, l.suppressed = now.Add(failureEvery), 0
}
