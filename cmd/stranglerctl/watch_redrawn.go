package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	xterm "golang.org/x/term"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
)

// redrawn shows every reading in the place of the one before.
type redrawn[T any] struct {
	*cli
	reader reader[T]
	file   *os.File
	last   string // the frame on the screen
	at     time.Time
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

func (r *redrawn[T]) draw(now T) error {
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

// frame is a reading as print shows it.
func (r *redrawn[T]) frame(now T) (string, error) {
	var b bytes.Buffer
	drawn := *r.cli
	drawn.stdout, drawn.out = &b, term.NewPen(&b, r.out.Palette)
	drawn.out.Width = term.Width(r.stdout) // the window may have changed since
	drawn.note = term.NewPen(&b, r.note.Palette)
	err := r.reader.with(&drawn).print(now)
	return b.String(), err
}

func (r *redrawn[T]) lost(err error) {
	line := fmt.Sprintf("%s this is %s old: %s\n", markBad, r.now().Sub(r.at).Round(time.Second), term.Safe(err.Error()))
	_, _ = io.WriteString(r.file, home+fitted(line+r.last, r.height()))
}

func (r *redrawn[T]) close() {
	if r.last != "" {
		_, _ = io.WriteString(r.file, wrapOn)
	}
}

func (r *redrawn[T]) height() int {
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
