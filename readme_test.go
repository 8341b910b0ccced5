// SPDX-License-Identifier: Apache-2.0

package rserpool_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadme: the programs in the README compile, pass go vet, and are as
// short as they are meant to be.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	programs := regexp.MustCompile("(?s)```go\n(package main.*?)```").FindAllSubmatch(text, -1)
	require.Len(t, programs, 2)
	for _, p := range programs {
		_, body, ok := strings.Cut(string(p[1]), "func main() {\n")
		require.True(t, ok)
		require.LessOrEqual(t, strings.Count(body, "\n"), 21, "an example of 20 lines:\n%s", body)
		file := filepath.Join(t.TempDir(), "main.go")
		require.NoError(t, os.WriteFile(file, p[1], 0o644))
		out, err := exec.Command("go", "vet", file).CombinedOutput()
		require.NoError(t, err, string(out))
	}
}
