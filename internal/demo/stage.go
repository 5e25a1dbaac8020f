package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
)

// stage is what a demo runs on: a temporary folder, two shops and a router.
type stage struct {
	fail func(error)    // told when a part ends that should not
	ends []func() error // what undoes each part, in the order in which they were set up
}

// end undoes the last part first: the router drains while the shops still serve.
func (s *stage) end() error {
	var err error
	for _, end := range slices.Backward(s.ends) {
		err = errors.Join(err, end())
	}
	return err
}

// set sets everything up. After an error, end undoes what was set up before it.
func (s *stage) set(ctx context.Context, start Start) (place Place, err error) {
	dir, err := os.MkdirTemp("", "strangler-demo-")
	if err != nil {
		return Place{}, fmt.Errorf("the demo needs a temporary folder: %w", err)
	}
	s.ends = append(s.ends, func() error { return os.RemoveAll(dir) })
	books := NewBooks()
	legacy, err := Shop(Legacy, books)
	if err != nil {
		return Place{}, err
	}
	young, err := Shop(New, books)
	if err != nil {
		return Place{}, err
	}
	if place.LegacyURL, _, err = s.open(ctx, Legacy, legacy); err != nil {
		return Place{}, err
	}
	buggy := &buggyShop{shop: young}
	if place.NewURL, place.Outage, err = s.open(ctx, New, buggy); err != nil {
		return Place{}, err
	}
	place.Bug = buggy
	router, err := s.start(ctx, start, dir)
	if err != nil {
		return Place{}, err
	}
	place.Shop, place.Admin, place.Token = router.Shop, router.Admin, router.Token
	return place, nil
}

// open serves one shop on a loopback port of its own.
func (s *stage) open(ctx context.Context, side Side, shop http.Handler) (url string, outage Outage, err error) {
	listener, err := newDoor(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("the %s shop cannot listen: %w", side, err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.keep(ctx, cancel, "the "+string(side)+" shop", func() error { return Serve(ctx, shop, listener) })
	return "http://" + listener.address, listener, nil
}

func (s *stage) start(ctx context.Context, start Start, dir string) (Router, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	router, err := start(ctx, dir)
	if err != nil {
		cancel()
		return Router{}, fmt.Errorf("the router did not start: %w", err)
	}
	s.keep(ctx, cancel, "the router", router.Wait)
	return router, nil
}

// keep runs a part beside the demo until it is that part's turn to end. Its
// context does not end with the demo's: the parts above it still need it then.
func (s *stage) keep(ctx context.Context, cancel context.CancelFunc, name string, run func() error) {
	ended := make(chan error, 1)
	go func() {
		err := run()
		if ctx.Err() == nil {
			s.fail(errors.Join(errors.New(name+" has ended by itself"), err))
			err = nil
		}
		ended <- err
	}()
	s.ends = append(s.ends, func() error {
		cancel()
		return <-ended
	})
}
