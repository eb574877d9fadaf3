#include "core/page/recipient_texts.hpp"

#include <array>
#include <cstddef>

namespace s3link::page {
namespace {

constexpr std::size_t kTroubles = 6;

struct Said {
  std::string_view heading;
  std::string_view explanation;
};

struct Texts {
  std::string_view ask;
  std::array<Said, kTroubles> said;  ///< in the order of LinkTrouble
};

constexpr Texts kEnglish = {
    "Whom to ask:",
    {{
        {"This link has expired",
         "Links work for a limited time only, and the time of this one is over. Ask for a new link if you still "
         "need the file."},
        {"This file is no longer here",
         "It was removed, as files are after some time, or there never was one under this address. Ask for the "
         "file to be sent again if you still need it."},
        {"This link is incomplete",
         "Part of its address is missing: mail programs sometimes cut long addresses off. Go back to the mail and "
         "use its button, or copy the whole address into the address bar."},
        {"This link does not work",
         "Its address is not exactly the one that was sent: something in it was changed on the way, perhaps by a "
         "mail program. Go back to the mail and use its button, or copy the whole address into the address bar."},
        {"This link is no longer valid", "It was made with a key that is not in use any more. Ask for a new link."},
        {"The file is not available at the moment",
         "The server has a problem of its own; your link may well be right. Please try again in a few minutes."},
    }}};

constexpr Texts kGerman = {
    "Ansprechpartner:",
    {{
        {"Dieser Link ist abgelaufen",
         "Links gelten nur für begrenzte Zeit, und die Zeit dieses Links ist vorbei. Bitten Sie um einen neuen "
         "Link, wenn Sie die Datei noch brauchen."},
        {"Diese Datei ist nicht mehr da",
         "Sie wurde gelöscht, wie alle Dateien nach einiger Zeit, oder unter dieser Adresse gab es nie eine. "
         "Bitten Sie darum, sie noch einmal zu senden, wenn Sie sie noch brauchen."},
        {"Dieser Link ist unvollständig",
         "Ein Teil der Adresse fehlt: Mailprogramme schneiden lange Adressen manchmal ab. Gehen Sie zurück zur "
         "E-Mail und benutzen Sie die Schaltfläche darin, oder kopieren Sie die ganze Adresse in die Adresszeile."},
        {"Dieser Link funktioniert nicht",
         "Die Adresse ist nicht genau die, die gesendet wurde: Unterwegs wurde etwas daran geändert, vielleicht "
         "von einem Mailprogramm. Gehen Sie zurück zur E-Mail und benutzen Sie die Schaltfläche darin, oder "
         "kopieren Sie die ganze Adresse in die Adresszeile."},
        {"Dieser Link ist nicht mehr gültig",
         "Er wurde mit einem Schlüssel erstellt, der nicht mehr benutzt wird. Bitten Sie um einen neuen Link."},
        {"Die Datei ist im Moment nicht verfügbar",
         "Der Server hat selbst ein Problem; Ihr Link ist wahrscheinlich in Ordnung. Bitte versuchen Sie es in "
         "einigen Minuten noch einmal."},
    }}};

constexpr Texts kFrench = {
    "À qui s’adresser :",
    {{
        {"Ce lien a expiré",
         "Les liens ne fonctionnent que pendant un temps limité, et celui-ci n’est plus valable. Demandez un "
         "nouveau lien si vous avez encore besoin du fichier."},
        {"Ce fichier n’est plus là",
         "Il a été supprimé, comme tous les fichiers après un certain temps, ou il n’y en a jamais eu à cette "
         "adresse. Demandez qu’on vous l’envoie de nouveau si vous en avez encore besoin."},
        {"Ce lien est incomplet",
         "Une partie de l’adresse manque : les logiciels de messagerie coupent parfois les longues adresses. "
         "Revenez au message et utilisez son bouton, ou copiez l’adresse entière dans la barre d’adresse."},
        {"Ce lien ne fonctionne pas",
         "L’adresse n’est pas exactement celle qui a été envoyée : elle a été modifiée en chemin, peut-être par "
         "un logiciel de messagerie. Revenez au message et utilisez son bouton, ou copiez l’adresse entière dans "
         "la barre d’adresse."},
        {"Ce lien n’est plus valable", "Il a été créé avec une clé qui n’est plus utilisée. Demandez un nouveau lien."},
        {"Le fichier n’est pas disponible pour le moment",
         "Le serveur a lui-même un problème ; votre lien est probablement correct. Réessayez dans quelques "
         "minutes."},
    }}};

constexpr Texts kSpanish = {
    "A quién preguntar:",
    {{
        {"Este enlace ha caducado",
         "Los enlaces solo funcionan durante un tiempo limitado, y el de este ya ha pasado. Pida un enlace nuevo "
         "si aún necesita el archivo."},
        {"Este archivo ya no está aquí",
         "Se eliminó, como todos los archivos al cabo de un tiempo, o nunca hubo ninguno en esta dirección. Pida "
         "que se lo envíen de nuevo si aún lo necesita."},
        {"Este enlace está incompleto",
         "Falta una parte de la dirección: a veces los programas de correo cortan las direcciones largas. Vuelva "
         "al mensaje y use su botón, o copie la dirección completa en la barra de direcciones."},
        {"Este enlace no funciona",
         "La dirección no es exactamente la que se envió: algo cambió por el camino, quizá por un programa de "
         "correo. Vuelva al mensaje y use su botón, o copie la dirección completa en la barra de direcciones."},
        {"Este enlace ya no es válido", "Se creó con una clave que ya no está en uso. Pida un enlace nuevo."},
        {"El archivo no está disponible en este momento",
         "El servidor tiene un problema propio; es probable que su enlace sea correcto. Vuelva a intentarlo "
         "dentro de unos minutos."},
    }}};

constexpr Texts kItalian = {
    "A chi chiedere:",
    {{
        {"Questo link è scaduto",
         "I link funzionano solo per un tempo limitato, e il tempo di questo è passato. Chieda un nuovo link se "
         "ha ancora bisogno del file."},
        {"Questo file non c’è più",
         "È stato rimosso, come tutti i file dopo un certo tempo, oppure a questo indirizzo non c’è mai stato. "
         "Chieda che le venga inviato di nuovo se ne ha ancora bisogno."},
        {"Questo link è incompleto",
         "Manca una parte dell’indirizzo: a volte i programmi di posta tagliano gli indirizzi lunghi. Torni al "
         "messaggio e usi il suo pulsante, oppure copi l’intero indirizzo nella barra degli indirizzi."},
        {"Questo link non funziona",
         "L’indirizzo non è esattamente quello inviato: qualcosa è cambiato lungo il percorso, forse a causa di "
         "un programma di posta. Torni al messaggio e usi il suo pulsante, oppure copi l’intero indirizzo nella "
         "barra degli indirizzi."},
        {"Questo link non è più valido", "È stato creato con una chiave che non è più in uso. Chieda un nuovo link."},
        {"Il file non è disponibile in questo momento",
         "Il server ha un problema; il suo link è probabilmente corretto. Riprovi tra qualche minuto."},
    }}};

constexpr Texts kDutch = {
    "Bij wie u terechtkunt:",
    {{
        {"Deze link is verlopen",
         "Links werken maar een beperkte tijd, en de tijd van deze link is voorbij. Vraag om een nieuwe link als "
         "u het bestand nog nodig hebt."},
        {"Dit bestand is er niet meer",
         "Het is verwijderd, zoals alle bestanden na enige tijd, of het heeft op dit adres nooit bestaan. Vraag "
         "of het opnieuw kan worden gestuurd als u het nog nodig hebt."},
        {"Deze link is onvolledig",
         "Een deel van het adres ontbreekt: mailprogramma’s kappen lange adressen soms af. Ga terug naar de "
         "e-mail en gebruik de knop daarin, of kopieer het hele adres naar de adresbalk."},
        {"Deze link werkt niet",
         "Het adres is niet precies het adres dat is gestuurd: er is onderweg iets aan veranderd, misschien door "
         "een mailprogramma. Ga terug naar de e-mail en gebruik de knop daarin, of kopieer het hele adres naar de "
         "adresbalk."},
        {"Deze link is niet meer geldig",
         "Hij is gemaakt met een sleutel die niet meer in gebruik is. Vraag om een nieuwe link."},
        {"Het bestand is op dit moment niet beschikbaar",
         "De server heeft zelf een probleem; uw link is waarschijnlijk in orde. Probeer het over een paar minuten "
         "opnieuw."},
    }}};

constexpr Texts kPolish = {
    "Kogo zapytać:",
    {{
        {"Ten link wygasł",
         "Linki działają tylko przez ograniczony czas, a czas tego linku minął. Jeśli plik jest nadal potrzebny, "
         "poproś o nowy link."},
        {"Tego pliku już tu nie ma",
         "Został usunięty, jak wszystkie pliki po pewnym czasie, albo nigdy nie było go pod tym adresem. Jeśli "
         "plik jest nadal potrzebny, poproś o ponowne wysłanie."},
        {"Ten link jest niekompletny",
         "Brakuje części adresu: programy pocztowe czasem obcinają długie adresy. Wróć do wiadomości i użyj "
         "znajdującego się w niej przycisku albo skopiuj cały adres do paska adresu."},
        {"Ten link nie działa",
         "Adres nie jest dokładnie taki, jaki został wysłany: coś zostało w nim po drodze zmienione, być może "
         "przez program pocztowy. Wróć do wiadomości i użyj znajdującego się w niej przycisku albo skopiuj cały "
         "adres do paska adresu."},
        {"Ten link jest już nieważny",
         "Został utworzony za pomocą klucza, który nie jest już używany. Poproś o nowy link."},
        {"Plik jest chwilowo niedostępny",
         "Problem leży po stronie serwera; link jest prawdopodobnie poprawny. Spróbuj ponownie za kilka minut."},
    }}};

constexpr Texts kUkrainian = {
    "До кого звернутися:",
    {{
        {"Термін дії цього посилання минув",
         "Посилання діють лише обмежений час, і час цього посилання вже минув. Якщо файл ще потрібен, попросіть "
         "нове посилання."},
        {"Цього файлу тут більше немає",
         "Його видалено, як і всі файли через певний час, або його ніколи не було за цією адресою. Якщо файл ще "
         "потрібен, попросіть надіслати його знову."},
        {"Це посилання неповне",
         "Бракує частини адреси: поштові програми іноді обрізають довгі адреси. Поверніться до листа й "
         "скористайтеся кнопкою в ньому або скопіюйте всю адресу в адресний рядок."},
        {"Це посилання не працює",
         "Адреса не зовсім така, яку було надіслано: дорогою в ній щось змінилося, можливо, через поштову "
         "програму. Поверніться до листа й скористайтеся кнопкою в ньому або скопіюйте всю адресу в адресний "
         "рядок."},
        {"Це посилання більше не дійсне",
         "Його створено за допомогою ключа, який більше не використовується. Попросіть нове посилання."},
        {"Файл зараз недоступний",
         "Проблема на боці сервера; ваше посилання, ймовірно, правильне. Спробуйте ще раз за кілька хвилин."},
    }}};

/// In the order of Language.
constexpr std::array kTexts = {&kEnglish, &kGerman, &kFrench, &kSpanish, &kItalian, &kDutch, &kPolish, &kUkrainian};
static_assert(kTexts.size() == kLanguages.size());

}  // namespace

RecipientText recipient_text(LinkTrouble trouble, Language language) noexcept {
  const Texts& texts = *kTexts[static_cast<std::size_t>(language)];
  const Said& said = texts.said[static_cast<std::size_t>(trouble)];
  return {said.heading, said.explanation, texts.ask};
}

}  // namespace s3link::page
