package main

import (
	"time"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
)

// appended shows the first reading whole, and then a line for every change.
type appended[T any] struct {
	*cli
	reader reader[T]
	before *T // nil: nothing was shown yet
	away   bool
}

func (a *appended[T]) draw(now T) error {
	if a.away {
		a.away = false
		a.note.Linef("%s the router answers again", a.clock())
	}
	before := a.before
	a.before = &now
	if before == nil {
		return a.reader.print(now)
	}
	return a.reader.tell(*before, now)
}

func (a *appended[T]) lost(err error) {
	if !a.away {
		a.away = true
		a.note.Linef("%s %s %s", a.clock(), a.note.Paint(term.Bad, markBad), err)
	}
}

func (a *appended[T]) close() {}

// clock is the time in front of an appended line.
func (c *cli) clock() string { return c.now().Format(time.TimeOnly) }
