package postgres

import (
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// tlsRefused is what pgx notes before it tries an address again without TLS.
const tlsRefused = "server refused TLS connection"

// briefError is an error with a shorter text; errors.Is and errors.As see the
// error that it stands for.
type briefError struct {
	error
	text string
}

func (e briefError) Error() string { return e.text }

func (e briefError) Unwrap() error { return e.error }

// brief puts a failed connection into one line. pgx writes a line for every
// attempt, and attempts every address with TLS and without.
func brief(err error) error {
	connect, is := errors.AsType[*pgconn.ConnectError](err)
	if !is {
		return err
	}
	text := "cannot connect: " + strings.Join(attempts(connect), "; ")
	return briefError{err, strings.Replace(err.Error(), connect.Error(), text, 1)}
}

// attempts are the different things that went wrong while connecting.
func attempts(connect *pgconn.ConnectError) []string {
	tried := []error{connect.Unwrap()}
	if several, is := connect.Unwrap().(interface{ Unwrap() []error }); is {
		tried = several.Unwrap()
	}
	var texts []string
	for _, attempt := range tried {
		if text := cause(attempt).Error(); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	if len(texts) > 1 {
		texts = slices.DeleteFunc(texts, func(text string) bool { return text == tlsRefused })
	}
	return texts
}

// cause strips what pgx puts in front of the reason: the address, which the
// reason repeats or the store's URL says, and the step that failed.
func cause(attempt error) error {
	for range 2 {
		if inner := errors.Unwrap(attempt); inner != nil {
			attempt = inner
		}
	}
	return attempt
}
