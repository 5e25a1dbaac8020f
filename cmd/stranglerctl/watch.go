package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
)

// watchEvery is how often --watch looks: well below the five times a second
// that eyes and terminals can follow.
const watchEvery = 500 * time.Millisecond

// reader is what --watch looks at again and again, and shows.
type reader[T any] interface {
	with(c *cli) reader[T] // the same, with the pens of c
	read(ctx context.Context) (T, error)
	print(now T) error
	tell(before, now T) error // appends what is new
}

// watch shows what r reads again and again until it is interrupted.
func watch[T any](ctx context.Context, c *cli, r reader[T]) error {
	return watchUntil(ctx, c, r, func(T) (bool, error) { return false, nil })
}

// watchUntil shows what r reads again and again, until it is interrupted or
// ended says that a reading was the last one, and with which error. Once
// something has been shown, a router that does not answer is waited for.
func watchUntil[T any](ctx context.Context, c *cli, r reader[T], ended func(now T) (bool, error)) error {
	screen := newScreen(c, r)
	defer screen.close()
	quiet := *c // warnings of a single reading belong into the frame, not on stderr
	quiet.note = term.NewPen(io.Discard, term.Palette{})
	silent := r.with(&quiet)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for first := true; ; first = false {
		now, err := silent.read(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			if err := screen.draw(now); err != nil {
				return err
			}
			if last, err := ended(now); last {
				return err
			}
		case first || final(err):
			return err
		default:
			screen.lost(err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// final reports whether watching on would be in vain.
func final(err error) bool {
	var f *failure
	return errors.As(err, &f) && (f.code == exitNotAllowed || f.code == exitNotFound)
}

// screen is where --watch shows its readings.
type screen[T any] interface {
	draw(now T) error
	lost(err error) // the router does not answer
	close()
}

func newScreen[T any](c *cli, r reader[T]) screen[T] {
	file, isFile := c.stdout.(*os.File)
	if isFile && term.IsTerminal(file) && c.global.forPeople() && c.getenv("TERM") != "dumb" {
		return &redrawn[T]{cli: c, reader: r, file: file}
	}
	return &appended[T]{cli: c, reader: r}
}
