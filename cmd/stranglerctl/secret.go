package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// readToken takes the token of --token, or reads one: from a terminal without
// showing it, elsewhere as the first line of stdin.
func (c *cli) readToken(ctx context.Context, server string) (string, error) {
	text := c.global.token
	if text == "" {
		var err error
		if text, err = c.readSecret(ctx, "Token for "+server+": "); err != nil {
			return "", err
		}
	}
	token := strings.TrimSpace(text)
	if token == "" {
		return "", &failure{
			code: exitUsage, err: errors.New("no token was given"),
			hint: "write it on stdin, like stranglerctl context login NAME < FILE",
		}
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", usagef("what was given is no token: it holds blanks or other characters that no token has")
	}
	return token, nil
}

// readSecret reads one line. The terminal shows what is typed again when the
// line has come, and also when the person gives up with Ctrl-C.
func (c *cli) readSecret(ctx context.Context, prompt string) (string, error) {
	file, ok := c.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		line, _ := bufio.NewReader(c.stdin).ReadString('\n') // an end without a line feed is a line
		return line, nil
	}
	fd := int(file.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("the terminal cannot be used: %w", err)
	}
	c.fail.Promptf("%s", prompt)
	type reading struct {
		line []byte
		err  error
	}
	read := make(chan reading, 1)
	go func() { // ends with the line, or with the program
		line, err := term.ReadPassword(fd)
		read <- reading{line, err}
	}()
	select {
	case <-ctx.Done():
		c.fail.Linef("")
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	case got := <-read:
		c.fail.Linef("")
		if got.err != nil {
			return "", fmt.Errorf("no token was read: %w", got.err)
		}
		return string(got.line), nil
	}
}
