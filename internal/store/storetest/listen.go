package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/routing"
)

// soon is how long a test waits for what must happen.
const soon = 20 * time.Second

func testListen(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"wakes at once, and after every commit": listenWakes,
		"ends with its context":                 listenEnds,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

// listening starts Listen; the channels tell of wakes and of its end.
func listening(ctx context.Context, source fleet.Source) (wakes <-chan struct{}, ended <-chan error) {
	woken, end := make(chan struct{}, 100), make(chan error, 1)
	go func() { end <- source.Listen(ctx, func() { woken <- struct{}{} }) }()
	return woken, end
}

func listenWakes(t *testing.T, backend Backend) {
	f := applied(t, backend)
	wakes, _ := listening(t.Context(), f.Store)
	await(t, "the first wake", wakes)
	for weight := routing.Weight(1); weight <= 3; weight++ {
		f.move("cart", at(weight))
		await(t, "the wake after a change", wakes)
	}
	f.apply(shop()) // nothing changes: nobody is woken
	defs := shop()
	defs.Routes[0].Priority = 1
	f.apply(defs)
	await(t, "the wake after an edit", wakes)
	select {
	case <-wakes:
		t.Error("one commit woke twice")
	default:
	}
}

func listenEnds(t *testing.T, backend Backend) {
	f := open(t, backend)
	ctx, cancel := context.WithCancel(t.Context())
	wakes, ended := listening(ctx, f.Store)
	await(t, "the first wake", wakes)
	cancel()
	if err := await(t, "the end of Listen", ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Listen ended with %v, want context.Canceled", err)
	}
}

func await[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(soon):
		t.Fatalf("%s did not come within %s", what, soon)
		panic("unreachable")
	}
}
