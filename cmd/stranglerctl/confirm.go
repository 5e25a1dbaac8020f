package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
)

// confirm asks a person before what is done. It returns nil for a yes. With -y
// it does not ask; without a terminal it declines. A person is asked once for
// one change.
func (c *cli) confirm(ctx context.Context, what, question string) error {
	if c.yes || c.confirmed {
		return nil
	}
	if !term.IsTerminal(c.stdin) {
		return &failure{
			code: exitDeclined,
			err:  fmt.Errorf("%s asks first, and there is no terminal to ask on; nothing was changed", what),
			hint: "to do it without being asked, add -y",
		}
	}
	c.fail.Promptf("%s [y/N] ", question)
	reply := make(chan string, 1)
	go func() { // ends with the line, or with the program
		line, _ := bufio.NewReader(c.stdin).ReadString('\n')
		reply <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case answer := <-reply:
		if answer == "y" || answer == "yes" {
			c.confirmed = true
			return nil
		}
	}
	return &failure{code: exitDeclined, err: errors.New("declined: nothing was changed")}
}
