package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Router is a router that has been started for the demo.
type Router struct {
	Shop  string       // base URL of its data listener
	Admin string       // base URL of its admin API
	Token string       // of the admin role, random
	Wait  func() error // returns when the router has ended
}

// Start starts a router with an empty store. It keeps its files in dir, listens
// on loopback only, and ends with ctx.
type Start func(ctx context.Context, dir string) (Router, error)

// Options say what Run is to do.
type Options struct {
	Out      io.Writer // for people
	Scripted bool      // play the script and end, instead of telling what visitors see
}

// Run opens both shops, puts a router in front of them, applies the demo's
// definitions, and lets visitors in. It returns when parent ends, when the script
// has been played, or when one of the parts has failed; by then everything has
// ended and the temporary folder is gone.
func Run(parent context.Context, start Start, opts Options) (err error) {
	ctx, fail := context.WithCancelCause(parent)
	defer fail(nil)
	s := &stage{fail: fail}
	defer func() { err = errors.Join(err, s.end()) }()
	place, err := s.set(ctx, start)
	if err != nil {
		return err
	}
	err = present(ctx, place, opts)
	if ctx.Err() != nil && parent.Err() == nil {
		return context.Cause(ctx) // what failed underneath says more than what was noticed above
	}
	return err
}

// present applies the definitions and shows the demo to whoever looks.
func present(ctx context.Context, place Place, opts Options) error {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	api := &admin{base: place.Admin, token: place.Token, client: &http.Client{Transport: transport}}
	if err := api.apply(ctx, Definitions(place.LegacyURL, place.NewURL)); err != nil {
		return fmt.Errorf("the demo's definitions could not be applied: %w", err)
	}
	if opts.Scripted {
		return Play(ctx, place, opts.Out)
	}
	if err := introduce(opts.Out, place); err != nil {
		return err
	}
	traffic := NewTraffic(place.Shop, storyVisitors, storyRate)
	ctx, cancel := context.WithCancel(ctx)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		traffic.Run(ctx)
	}()
	err := tell(ctx, opts.Out, traffic)
	cancel()
	<-gone
	return err
}
