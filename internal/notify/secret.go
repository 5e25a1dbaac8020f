package notify

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Where values that are secrets are kept.
const (
	inEnvironment = "env:"
	inFile        = "file:"
)

const secretPrefix = "whsec_"

// How many bytes a secret has, by Standard Webhooks.
const (
	leastSecret = 24
	mostSecret  = 64
)

// resolve returns a value that may be kept elsewhere. Its errors name the place,
// and never what is there.
func resolve(value string) (string, error) {
	if name, in := strings.CutPrefix(value, inEnvironment); in {
		found := strings.TrimSpace(os.Getenv(name))
		if found == "" {
			return "", fmt.Errorf("the environment variable %s is not set for this router", name)
		}
		return found, nil
	}
	if path, in := strings.CutPrefix(value, inFile); in {
		text, err := readFile(path)
		if err != nil {
			return "", fmt.Errorf("read what it is given by: %w", err)
		}
		return strings.TrimSpace(text), nil
	}
	return value, nil
}

// mostFile is how many bytes a file has at most that a value is kept in.
const mostFile = 64 << 10

// readFile reads a file that ends. A pipe, or a device, might hold up whoever reads it.
func readFile(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is no file", path)
	case info.Size() > mostFile:
		return "", fmt.Errorf("%s has more than %d bytes", path, mostFile)
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// keys returns what messages are signed with. Where there are several secrets,
// with white space between, each of them signs: so they can be exchanged without
// a gap.
func keys(place string) ([][]byte, error) {
	if !strings.HasPrefix(place, inEnvironment) && !strings.HasPrefix(place, inFile) {
		return nil, errors.New("its secret is not given as env:NAME or file:/path")
	}
	value, err := resolve(place)
	if err != nil {
		return nil, fmt.Errorf("its secret: %w", err)
	}
	var found [][]byte
	for secret := range strings.FieldsSeq(value) {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
		if err != nil || !strings.HasPrefix(secret, secretPrefix) {
			return nil, fmt.Errorf("what %s holds is no secret: it is written as %s and base64", place, secretPrefix)
		}
		if len(key) < leastSecret || len(key) > mostSecret {
			return nil, fmt.Errorf("the secret in %s has %d bytes; Standard Webhooks wants %d to %d", place, len(key), leastSecret, mostSecret)
		}
		found = append(found, key)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s holds no secret", place)
	}
	return found, nil
}
