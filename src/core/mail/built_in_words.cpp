#include "core/mail/built_in_words.hpp"

#include <array>
#include <cstddef>

namespace s3link::mail {
namespace {

constexpr BuiltInWords kEnglish = {.subject =
                                       "{{#SENDER_NAME}}{{SENDER_NAME}} sent you {{/SENDER_NAME}}"
                                       "\"{{FILE_NAME}}\", available until {{EXPIRES_LOCAL_SHORT}}",
                                   .sent = "{{SENDER_NAME}} sent you a file.",
                                   .anonymous = "You were sent a file.",
                                   .file = "File:",
                                   .size = "Size:",
                                   .here = "Download it here:",
                                   .button = "Download",
                                   .until = "The link works until {{EXPIRES_LOCAL}}.",
                                   .removed = "The file itself is removed on {{REMOVED_LOCAL}}.",
                                   .copy = "If the button does not work, copy this address into your browser:",
                                   .care = "Whoever has this link can download the file: pass it on with care.",
                                   .unexpected = "You did not expect this mail? Then do not open the link."};

constexpr BuiltInWords kGerman = {
    .subject =
        "{{#SENDER_NAME}}{{SENDER_NAME}} hat Ihnen „{{FILE_NAME}}“ gesendet{{/SENDER_NAME}}"
        "{{^SENDER_NAME}}„{{FILE_NAME}}“{{/SENDER_NAME}}, verfügbar bis {{EXPIRES_LOCAL_SHORT}}",
    .sent = "{{SENDER_NAME}} hat Ihnen eine Datei gesendet.",
    .anonymous = "Ihnen wurde eine Datei gesendet.",
    .file = "Datei:",
    .size = "Größe:",
    .here = "Hier können Sie sie herunterladen:",
    .button = "Herunterladen",
    .until = "Der Link gilt bis {{EXPIRES_LOCAL}}.",
    .removed = "Die Datei selbst wird am {{REMOVED_LOCAL}} gelöscht.",
    .copy = "Wenn die Schaltfläche nicht funktioniert, kopieren Sie diese Adresse in Ihren Browser:",
    .care = "Wer diesen Link hat, kann die Datei herunterladen: bitte achtsam weitergeben.",
    .unexpected = "Sie haben diese E-Mail nicht erwartet? Dann öffnen Sie den Link nicht."};

constexpr BuiltInWords kFrench = {
    .subject =
        "{{#SENDER_NAME}}{{SENDER_NAME}} vous a envoyé {{/SENDER_NAME}}"
        "«\u00A0{{FILE_NAME}}\u00A0», disponible jusqu’au {{EXPIRES_LOCAL_SHORT}}",
    .sent = "{{SENDER_NAME}} vous a envoyé un fichier.",
    .anonymous = "Un fichier vous a été envoyé.",
    .file = "Fichier\u00A0:",
    .size = "Taille\u00A0:",
    .here = "Vous pouvez le télécharger ici\u00A0:",
    .button = "Télécharger",
    .until = "Le lien fonctionne jusqu’au {{EXPIRES_LOCAL}}.",
    .removed = "Le fichier lui-même sera supprimé le {{REMOVED_LOCAL}}.",
    .copy = "Si le bouton ne fonctionne pas, copiez cette adresse dans votre navigateur\u00A0:",
    .care = "Quiconque a ce lien peut télécharger le fichier\u00A0: transmettez-le avec prudence.",
    .unexpected = "Vous n’attendiez pas ce message\u00A0? Alors n’ouvrez pas le lien."};

constexpr BuiltInWords kSpanish = {
    .subject =
        "{{#SENDER_NAME}}{{SENDER_NAME}} le ha enviado {{/SENDER_NAME}}"
        "«{{FILE_NAME}}», disponible hasta el {{EXPIRES_LOCAL_SHORT}}",
    .sent = "{{SENDER_NAME}} le ha enviado un archivo.",
    .anonymous = "Le han enviado un archivo.",
    .file = "Archivo:",
    .size = "Tamaño:",
    .here = "Puede descargarlo aquí:",
    .button = "Descargar",
    .until = "El enlace funciona hasta el {{EXPIRES_LOCAL}}.",
    .removed = "El archivo se eliminará el {{REMOVED_LOCAL}}.",
    .copy = "Si el botón no funciona, copie esta dirección en su navegador:",
    .care = "Quien tenga este enlace puede descargar el archivo: compártalo con cuidado.",
    .unexpected = "¿No esperaba este correo? Entonces no abra el enlace."};

// "fino al" would have to become "fino all’" before 8 and 11, so the date stands behind a colon in the subject.
constexpr BuiltInWords kItalian = {
    .subject =
        "{{#SENDER_NAME}}{{SENDER_NAME}} le ha inviato {{/SENDER_NAME}}"
        "«{{FILE_NAME}}», scadenza: {{EXPIRES_LOCAL_SHORT}}",
    .sent = "{{SENDER_NAME}} le ha inviato un file.",
    .anonymous = "Le è stato inviato un file.",
    .file = "File:",
    .size = "Dimensione:",
    .here = "Può scaricarlo qui:",
    .button = "Scarica",
    .until = "Il link funziona fino a {{EXPIRES_LOCAL}}.",
    .removed = "Il file stesso sarà eliminato {{REMOVED_LOCAL}}.",
    .copy = "Se il pulsante non funziona, copi questo indirizzo nel browser:",
    .care = "Chiunque abbia questo link può scaricare il file: lo condivida con attenzione.",
    .unexpected = "Non si aspettava questa e-mail? Allora non apra il link."};

constexpr BuiltInWords kDutch = {
    .subject =
        "{{#SENDER_NAME}}{{SENDER_NAME}} heeft u “{{FILE_NAME}}” gestuurd{{/SENDER_NAME}}"
        "{{^SENDER_NAME}}“{{FILE_NAME}}”{{/SENDER_NAME}}, beschikbaar tot {{EXPIRES_LOCAL_SHORT}}",
    .sent = "{{SENDER_NAME}} heeft u een bestand gestuurd.",
    .anonymous = "Er is u een bestand gestuurd.",
    .file = "Bestand:",
    .size = "Grootte:",
    .here = "U kunt het hier downloaden:",
    .button = "Downloaden",
    .until = "De link werkt tot {{EXPIRES_LOCAL}}.",
    .removed = "Het bestand zelf wordt verwijderd op {{REMOVED_LOCAL}}.",
    .copy = "Werkt de knop niet? Kopieer dan dit adres naar uw browser:",
    .care = "Iedereen met deze link kan het bestand downloaden: deel hem met zorg.",
    .unexpected = "Verwachtte u deze e-mail niet? Open de link dan niet."};

// Weekdays would have to be in the genitive behind "do", so they stand behind a colon. The same in Ukrainian.
constexpr BuiltInWords kPolish = {.subject =
                                      "{{#SENDER_NAME}}{{SENDER_NAME}} przesyła plik {{/SENDER_NAME}}"
                                      "„{{FILE_NAME}}”, dostępny do {{EXPIRES_LOCAL_SHORT}}",
                                  .sent = "{{SENDER_NAME}} przesyła plik.",
                                  .anonymous = "Otrzymujesz plik.",
                                  .file = "Plik:",
                                  .size = "Rozmiar:",
                                  .here = "Można go pobrać tutaj:",
                                  .button = "Pobierz",
                                  .until = "Link działa do: {{EXPIRES_LOCAL}}.",
                                  .removed = "Sam plik zostanie usunięty: {{REMOVED_LOCAL}}.",
                                  .copy = "Jeśli przycisk nie działa, skopiuj ten adres do przeglądarki:",
                                  .care = "Każdy, kto ma ten link, może pobrać plik: przekazuj go z rozwagą.",
                                  .unexpected = "Nie spodziewasz się tej wiadomości? Nie otwieraj linku."};

constexpr BuiltInWords kUkrainian = {
    .subject =
        "{{#SENDER_NAME}}{{SENDER_NAME}} надсилає вам файл {{/SENDER_NAME}}"
        "«{{FILE_NAME}}», доступний до {{EXPIRES_LOCAL_SHORT}}",
    .sent = "{{SENDER_NAME}} надсилає вам файл.",
    .anonymous = "Вам надіслано файл.",
    .file = "Файл:",
    .size = "Розмір:",
    .here = "Завантажити його можна тут:",
    .button = "Завантажити",
    .until = "Посилання діє до: {{EXPIRES_LOCAL}}.",
    .removed = "Сам файл буде видалено: {{REMOVED_LOCAL}}.",
    .copy = "Якщо кнопка не працює, скопіюйте цю адресу в браузер:",
    .care = "Кожен, хто має це посилання, може завантажити файл: передавайте його обачно.",
    .unexpected = "Ви не чекали на цей лист? Тоді не відкривайте посилання."};

/// In the order of Language.
constexpr std::array kWords = {&kEnglish, &kGerman, &kFrench, &kSpanish, &kItalian, &kDutch, &kPolish, &kUkrainian};
static_assert(kWords.size() == kLanguages.size());

}  // namespace

const BuiltInWords& built_in_words(Language language) noexcept { return *kWords[static_cast<std::size_t>(language)]; }

}  // namespace s3link::mail
