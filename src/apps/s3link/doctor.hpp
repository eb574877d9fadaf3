#pragma once

#include <functional>
#include <string>

#include "apps/s3link/configuration.hpp"

namespace CLI {
class App;
}

namespace s3link::app {

struct DoctorOptions {
  ConfigOptions config;
  std::string dns;            ///< --dns, "ADDRESS[:PORT]"; empty: as /etc/resolv.conf says
  std::string dkim_selector;  ///< --dkim-selector; empty: common ones are tried
  bool json = false;
};

/// Declares `s3link doctor`. What the parser found is left in `options` and `chosen`, which returns the exit status;
/// both must outlive `app`.
void declare_doctor(CLI::App& app, DoctorOptions& options, std::function<int()>& chosen);

/// Checks the installation from outside and prints what it finds as it finds it. Sends no mail, changes nothing.
/// kFailed when something failed, kWrongUse for wrong options or configuration.
int run_doctor(const DoctorOptions& options);

}  // namespace s3link::app
