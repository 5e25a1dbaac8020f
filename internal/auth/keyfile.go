package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// readKeys reads the keys kept in the file at path, one id:base64 a line, the
// one in use first; none without a file. Errors match kind when the file is not
// one of keys, or others than its owner may read it.
func readKeys(kind error, path string) ([]key, error) {
	text, err := readPrivate(kind, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	keys, err := parseKeys(kind, strings.Split(strings.TrimSpace(text), "\n"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// readPrivate reads a file that only its owner may read.
func readPrivate(kind error, path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", fmt.Errorf("%w: %s has mode %04o, so others may have read it: remove it, or chmod 600 it if you trust them", kind, path, mode)
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// writeKeys replaces the file at path as a whole: after a crash the old keys
// are there or the new ones.
func writeKeys(path string, keys []key) (err error) {
	var text strings.Builder
	for i := range keys {
		_, _ = fmt.Fprintf(&text, "%s:%s\n", keys[i].id, base64.StdEncoding.EncodeToString(keys[i].secret[:]))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // what went wrong before is what matters
		}
	}()
	_, err = file.WriteString(text.String())
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
