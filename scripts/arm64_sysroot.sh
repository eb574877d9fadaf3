# shellcheck shell=bash
# Sourced by deploy/aws/build-lambda, after packages.sh: headers and archives for cross-building to 64-bit ARM.

# Downloads the packages of scripts/packages/arm64-sysroot.txt and unpacks them into build/sysroot-arm64, unless that is
# done. With `refresh`: again, as Debian has them now. apt gets lists, caches and an architecture of its own: what it
# knows and what is installed on this machine stays as it is, so no root is needed either.
need_arm64_sysroot() {
  local root=$PWD/build/sysroot-arm64 list=scripts/packages/arm64-sysroot.txt
  if [ "${1:-}" != refresh ] && cmp -s "$list" "$root/.unpacked"; then return 0; fi
  local -a packages
  mapfile -t packages < <(grep -v '^#' "$list")
  local apt=$PWD/build/apt-arm64
  rm -rf "$root" "$apt"
  mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/debs" "$root"
  : >"$apt/status"
  # The hooks that a machine runs after an update are for its own lists.
  cat >"$apt/apt.conf" <<CONF
#clear APT::Architectures;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg;
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
Acquire::Retries "3";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Cache::archives "$apt/archives";
CONF
  say "downloading Debian's arm64 packages for cross-building: ${packages[*]}"
  apt-get -q -c "$apt/apt.conf" update >"$apt/update.log" 2>&1 ||
    say "apt-get update had failures (build/apt-arm64/update.log); trying with what came"
  (cd "$apt/debs" && apt-get -q -c "$apt/apt.conf" download "${packages[@]}" >"$apt/download.log" 2>&1) || {
    tail -n 20 "$apt/download.log" >&2
    die "the arm64 packages could not be downloaded; do the machine's apt sources offer arm64?"
  }
  local package
  for package in "$apt"/debs/*.deb; do dpkg-deb -x "$package" "$root"; done
  dpkg-deb -f "$apt"/debs/libssl-dev_*.deb Version >"$root/.openssl-version"
  rm -rf "$apt"
  cp "$list" "$root/.unpacked"
}
