# make run     installs what is missing, builds, trains `tiny` and teaches it a puzzle in ten minutes
# make build   the binary, build/minke
# make test    builds and runs all tests
.PHONY: run build test

BUILD := build

run: build
	@runs/tiny.sh

build:
	@tools/install.sh
	@cmake -S . -B $(BUILD) -G Ninja -DMINKE_TESTS=OFF $(CMAKE_FLAGS) > /dev/null
	@cmake --build $(BUILD)

test:
	@tools/install.sh test
	@cmake -S . -B $(BUILD) -G Ninja -DMINKE_TESTS=ON $(CMAKE_FLAGS) > /dev/null
	@cmake --build $(BUILD)
	@tools/check_includes.py
	@ctest --test-dir $(BUILD) --output-on-failure
