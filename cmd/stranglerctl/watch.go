package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
)

// watchEvery is how often status --watch looks: well below the five times a
// second that eyes and terminals can follow.
const watchEvery = 500 * time.Millisecond

// watch shows status again and again until it is interrupted. Once it has been
// shown, a router that does not answer is waited for.
func (c *cli) watch(ctx context.Context, s *statusReader) error {
	screen := c.newScreen(s)
	defer screen.close()
	quiet := *c // warnings of a single reading belong into the frame, not on stderr
	quiet.note = term.NewPen(io.Discard, term.Palette{})
	reader := &statusReader{cli: &quiet, api: s.api, route: s.route}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for first := true; ; first = false {
		now, err := reader.read(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			if err := screen.draw(now); err != nil {
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
type screen interface {
	draw(now shown) error
	lost(err error) // the router does not answer
	close()
}

func (c *cli) newScreen(s *statusReader) screen {
	file, isFile := c.stdout.(*os.File)
	if isFile && term.IsTerminal(file) && c.global.forPeople() && c.getenv("TERM") != "dumb" {
		return &redrawn{statusReader: s, file: file}
	}
	return &appended{statusReader: s}
}
