package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	xterm "golang.org/x/term"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
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

// redrawn shows every reading in the place of the one before.
type redrawn struct {
	*statusReader
	file *os.File
	last string // the frame on the screen
	at   time.Time
}

// The few things that --watch tells a terminal.
const (
	clearAll   = "\x1b[2J"
	home       = "\x1b[H"
	clearRight = "\x1b[K"
	clearBelow = "\x1b[J"
	wrapOff    = "\x1b[?7l"
	wrapOn     = "\x1b[?7h"
)

func (r *redrawn) draw(now shown) error {
	frame, err := r.frame(now)
	if err != nil {
		return err
	}
	start := home
	if r.last == "" {
		start = wrapOff + clearAll + home
	}
	r.last, r.at = frame, r.now()
	_, err = io.WriteString(r.file, start+fitted(frame, r.height()))
	return err
}

func (r *redrawn) lost(err error) {
	line := fmt.Sprintf("%s this is %s old: %s\n", markBad, r.now().Sub(r.at).Round(time.Second), term.Safe(err.Error()))
	_, _ = io.WriteString(r.file, home+fitted(line+r.last, r.height()))
}

func (r *redrawn) close() {
	if r.last != "" {
		_, _ = io.WriteString(r.file, wrapOn)
	}
}

func (r *redrawn) height() int {
	if _, height, err := xterm.GetSize(int(r.file.Fd())); err == nil && height > 0 {
		return height
	}
	return 24
}

// fitted is frame cut to height lines, each of which wipes what was right of it.
func fitted(frame string, height int) string {
	lines := strings.Split(strings.TrimSuffix(frame, "\n"), "\n")
	if height > 1 && len(lines) >= height {
		rest := len(lines) - (height - 2)
		lines = append(lines[:height-2], fmt.Sprintf("… %d more; a larger window shows them", rest))
	}
	return strings.Join(lines, clearRight+"\n") + clearRight + "\n" + clearBelow
}

// appended shows the first reading whole, and then a line for every change.
type appended struct {
	*statusReader
	known map[string]wire.RouteStatus
	away  bool
}

func (a *appended) draw(now shown) error {
	if a.away {
		a.away = false
		a.note.Linef("%s the router answers again", a.clock())
	}
	before := a.known
	a.known = make(map[string]wire.RouteStatus, len(now.routes))
	for _, r := range now.routes {
		a.known[r.Name] = r
	}
	if before == nil {
		return a.print(now)
	}
	if a.global.forPeople() {
		a.tell(before, now.routes)
		return nil
	}
	for _, r := range now.routes {
		if old, was := before[r.Name]; !was || old.Revision != r.Revision {
			return a.print(now)
		}
	}
	if len(before) != len(a.known) {
		return a.print(now)
	}
	return nil
}

// tell appends a line for each route that is new, gone or changed.
func (a *appended) tell(before map[string]wire.RouteStatus, routes []wire.RouteStatus) {
	for _, r := range routes {
		old, was := before[r.Name]
		switch {
		case !was:
			a.out.Linef("%s  %s  added at %s  (revision %d, by %s)", a.clock(), r.Name, place(stateOf(r)), r.Revision, r.ChangedBy)
		case old.Revision != r.Revision && place(stateOf(old)) == place(stateOf(r)):
			a.out.Linef("%s  %s  %s, definition changed  (revision %d, by %s)", a.clock(), r.Name, place(stateOf(r)), r.Revision, r.ChangedBy)
		case old.Revision != r.Revision:
			a.out.Linef("%s  %s  %s → %s  (revision %d, by %s)", a.clock(), r.Name, place(stateOf(old)), place(stateOf(r)), r.Revision, r.ChangedBy)
		}
		delete(before, r.Name)
	}
	for name := range before {
		a.out.Linef("%s  %s  removed", a.clock(), name)
	}
}

func (a *appended) lost(err error) {
	if !a.away {
		a.away = true
		a.note.Linef("%s %s %s", a.clock(), a.note.Paint(term.Bad, markBad), err)
	}
}

func (a *appended) close() {}

func (a *appended) clock() string { return a.now().Format(time.TimeOnly) }
