package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// closingTime is how long a shop waits for its last visitors to leave.
const closingTime = 5 * time.Second

// Serve answers requests on listener with shop until ctx ends. Then feeds and
// WebSockets end at once, other requests are finished, and every handler has
// returned before Serve does.
func Serve(ctx context.Context, shop http.Handler, listener net.Listener) error {
	var visits sync.WaitGroup // hijacked connections too, which Shutdown does not wait for
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			visits.Add(1)
			defer visits.Done()
			shop.ServeHTTP(w, r)
		}),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	closed := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
		defer cancel()
		closed <- errors.Join(server.Shutdown(grace), server.Close())
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		err = errors.Join(err, server.Close())
		visits.Wait()
		return fmt.Errorf("the shop on %s has ended: %w", listener.Addr(), err)
	}
	err := <-closed
	visits.Wait()
	return err
}
