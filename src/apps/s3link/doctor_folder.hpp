#pragma once

#include "apps/s3link/doctor_report.hpp"
#include "core/config/load.hpp"

namespace s3link::app {

/// The data folder and the files with secrets: there, of one owner, closed to others; room on the disk.
void check_data_folder(const config::Loaded& loaded, DoctorReport& report);

/// Whether a server holds the data folder's lock.
enum class ServerState { running, stopped, unknown };
ServerState server_state(const std::filesystem::path& data_dir);

}  // namespace s3link::app
